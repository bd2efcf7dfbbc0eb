# For daily work in the clone; users build with LuaRocks or ./run.
#   make            the core for Lua 5.4 in build/5.4
#   make LUA=5.3    for another Lua: 5.1 (also LuaJIT), 5.2, 5.3
#   make lint       luacheck, and the C warnings as errors

LUA     ?= 5.4
BUILD   ?= build/$(LUA)
CC      ?= cc
CFLAGS  ?= -O2 -g
WARN    := -std=c11 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
           -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wundef
INCLUDE := $(shell pkg-config --cflags lua$(LUA) libcurl openssl)
LIBS    := $(shell pkg-config --libs libcurl openssl) -pthread

SOURCES := $(wildcard src/*.c)
OBJECTS := $(SOURCES:src/%.c=$(BUILD)/%.o)
CORE    := $(BUILD)/cloudcal/core.so

$(CORE): $(OBJECTS)
	@mkdir -p $(@D)
	$(CC) -shared $(LDFLAGS) -o $@ $(OBJECTS) $(LIBS)

$(BUILD)/%.o: src/%.c src/core.h
	@mkdir -p $(@D)
	$(CC) $(WARN) $(CFLAGS) -fPIC -fvisibility=hidden $(INCLUDE) -c -o $@ $<

lint: $(CORE)
	luacheck -q .

clean:
	rm -rf build

.PHONY: lint clean
