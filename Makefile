# For daily work in the clone, and for an installation without LuaRocks.
#   make            the core for Lua 5.4 in build/5.4
#   make LUA=5.3    for another Lua: 5.1 (also LuaJIT), 5.2, 5.3
#   make install    under PREFIX, where this Lua looks: modules, core and the command cloudcal
#   make uninstall  with the same PREFIX, LUA and DESTDIR
#   make lint       luacheck, and the C warnings as errors

LUA     ?= 5.4
LUA_PC  ?= lua$(LUA)
BUILD   ?= build/$(LUA)
CC      ?= cc
CFLAGS  ?= -O2 -g
WARN    := -std=c11 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
           -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wundef
INCLUDE := $(shell pkg-config --cflags $(LUA_PC) libcurl openssl)
LIBS    := $(shell pkg-config --libs libcurl openssl) -pthread

PREFIX  ?= /usr/local
LUADIR  ?= $(PREFIX)/share/lua/$(LUA)
LIBDIR  ?= $(PREFIX)/lib/lua/$(LUA)
BINDIR  ?= $(PREFIX)/bin
# which Lua runs the command
INTERPRETER ?= $(shell for lua in lua$(LUA) lua luajit; do \
    $$lua -e 'assert(_VERSION == "Lua $(LUA)")' 2>/dev/null && command -v $$lua && break; done)

SOURCES := $(wildcard src/*.c)
OBJECTS := $(SOURCES:src/%.c=$(BUILD)/%.o)
CORE    := $(BUILD)/cloudcal/core.so

$(CORE): $(OBJECTS)
	@mkdir -p $(@D)
	$(CC) -shared $(LDFLAGS) -o $@ $(OBJECTS) $(LIBS)

$(BUILD)/%.o: src/%.c src/core.h
	@mkdir -p $(@D)
	$(CC) $(WARN) $(CFLAGS) -fPIC -fvisibility=hidden $(INCLUDE) -c -o $@ $<

# a compiler that we do not know may warn, but stops no installation
install: WARN := -std=c11
install: $(CORE)
	@[ -n "$(INTERPRETER)" ] || \
	{ echo 'there is no Lua $(LUA) here: INTERPRETER=/path/to/lua names it' >&2; exit 1; }
	@{ echo "#!$(INTERPRETER)"; \
	echo "package.path = [[$(LUADIR)/?.lua;$(LUADIR)/?/init.lua;]] .. package.path"; \
	echo "package.cpath = [[$(LIBDIR)/?.so;]] .. package.cpath"; \
	tail -n +2 examples/cloudcal.lua; } >$(BUILD)/command
	@umask 022; for file in $$(cd lua && find cloudcal -name '*.lua'); do \
	mkdir -p "$(DESTDIR)$(LUADIR)/$${file%/*}" && \
	install -m 644 "lua/$$file" "$(DESTDIR)$(LUADIR)/$$file" || exit; done
	@umask 022; mkdir -p "$(DESTDIR)$(LIBDIR)/cloudcal" "$(DESTDIR)$(BINDIR)"
	install -m 755 $(CORE) "$(DESTDIR)$(LIBDIR)/cloudcal/core.so"
	install -m 755 $(BUILD)/command "$(DESTDIR)$(BINDIR)/cloudcal"
	@env -i $(INTERPRETER) -e "local function has(path, place) \
	return (';' .. path .. ';'):find(';' .. place .. ';', 1, true) end \
	os.exit(has(package.path, [[$(LUADIR)/?.lua]]) and has(package.cpath, [[$(LIBDIR)/?.so]]) \
	and 0 or 1)" || printf '%s\n' 'programs find it with' "    export \
	LUA_PATH=\"$(LUADIR)/?.lua;$(LUADIR)/?/init.lua;;\" LUA_CPATH=\"$(LIBDIR)/?.so;;\""

# the command stays if it is that of another Lua
uninstall:
	rm -rf "$(DESTDIR)$(LUADIR)/cloudcal" "$(DESTDIR)$(LIBDIR)/cloudcal"
	! grep -qF "[[$(LUADIR)/?.lua;" "$(DESTDIR)$(BINDIR)/cloudcal" 2>/dev/null || \
	rm "$(DESTDIR)$(BINDIR)/cloudcal"

lint: $(CORE)
	luacheck -q .

clean:
	rm -rf build

.PHONY: install uninstall lint clean
