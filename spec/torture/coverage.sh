#!/bin/sh
# How much of the C and of the Lua runs in the unit suite, and in the rows that fail memory:
# coverage.sh FOLDER PORT PORT CA-FILE. Children are counted, too: gcov adds to one set of files
# under a lock, and the lines of Lua are noted in one mapped file (lines.c). What is not reached is
# printed; the last line is "the shares|how many of them fall short".
# Nothing is left out of what gcov counts.
set -u

LEAST_C_LINES=95
LEAST_C_BRANCHES=85
LEAST_LUA_LINES=97

made=$1
shift
root=$PWD
INCLUDE=$(pkg-config --cflags lua5.4 libcurl openssl)
LIBS="$(pkg-config --libs libcurl openssl) -pthread -lm"

# gcc as gcovr wants it; -O0, or lines are merged
# shellcheck disable=SC2086
build() {
    rm -rf "$made"
    mkdir -p "$made/cloudcal" "$made/plain" "$made/faulty"
    for kind in plain faulty; do
        faults=''
        [ "$kind" = plain ] || faults='-Dmalloc=host_malloc -Drealloc=host_realloc'
        for source in "$root"/src/*.c; do
            gcc -std=c11 -O0 -g --coverage -fPIC -fvisibility=hidden $faults $INCLUDE -c "$source" \
                -o "$made/$kind/$(basename "$source" .c).o" || return 1
        done
    done
    gcc --coverage -shared -o "$made/cloudcal/core.so" "$made"/plain/*.o $LIBS &&
        gcc -std=gnu11 -O1 -fsanitize=address --coverage $INCLUDE -Wl,-E spec/torture/host.c \
            spec/torture/sockets.c "$made"/faulty/*.o -o "$made/host" $LIBS $(pkg-config --libs lua5.4) &&
        gcc -std=gnu11 -O2 -fPIC -shared $(pkg-config --cflags lua5.4) spec/torture/lines.c \
            -o "$made/lines.so" &&
        lua5.4 spec/torture/lines.lua --files >"$made/files" &&
        lua5.4 spec/torture/lines.lua --map "$(wc -l <"$made/files")" >"$made/map"
}

# Whether specs and rows pass is their own matter. Some specs cannot, as those that leave a child no
# room in any file, gcov's included.
run_suite() {
    LINES_FILES=$made/files LINES_MAP=$made/map GCOV_ERROR_FILE=/dev/null \
        LUA_INIT_5_4="package.loadlib('$made/lines.so', 'lines_start')()" \
        LUA_CPATH="$made/?.so;;" lua5.4 spec/run.lua >"$made/suite" 2>&1
    tail -n 1 "$made/suite"
}

run_rows() {
    for whose in lua ours curl; do
        "$made/host" spec/torture/memory.lua "$whose" 1
    done
    "$made/host" spec/torture/closing.lua "$@"
    "$made/host" spec/torture/forks.lua "$@"
    "$made/host" spec/torture/sockets.lua 8 "$@"
}

# "lines: 95.4% (1 out of 2)" -> 95.4
share_of() { sed -n "s/^$1: \([0-9.]*\)%.*/\1/p" "$made/report"; }

# short SHARE LEAST: 1 if it falls short
short() { awk -v share="$1" -v least="$2" 'BEGIN { print !(share + 0 >= least) }'; }

build || exit 1
run_suite
run_rows "$@" >"$made/rows" 2>&1
(cd "$made" && gcovr -r "$root" --filter "$root/src/" -s .) >"$made/report" 2>"$made/notes" || exit 1
sed -n '/^src/p' "$made/report"
lua5.4 spec/torture/lines.lua "$made/files" "$made/map" "$LEAST_LUA_LINES" >"$made/lua"
sed '$d' "$made/lua"
lines=$(share_of lines)
branches=$(share_of branches)
lua=$(sed -n '$s/^Lua lines \(.*\) %|.*/\1/p' "$made/lua")
wrong=$(($(short "$lines" "$LEAST_C_LINES") + $(short "$branches" "$LEAST_C_BRANCHES") +
    $(short "$lua" "$LEAST_LUA_LINES")))
echo "C lines $lines %, branches $branches %; Lua $lua %|$wrong"
[ "$wrong" = 0 ]
