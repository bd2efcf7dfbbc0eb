#!/bin/sh
# What compilers and analysers say of the sources, without running them. Each finding is printed;
# the last line is "what was looked at|how many found something".
# Sizes of functions, the one exported symbol and luacheck are spec/house_spec.lua's matter.
set -u

INCLUDE=$(pkg-config --cflags lua5.4 libcurl openssl)
MOST_COMPLEX=15

# Lua's own list, and -Wall, -Wconversion. Without its -Wc++-compat: this is C, in which a cast of
# what malloc or a callback is given hides more than it shows.
WARNINGS='-std=c11 -Werror -Wall -Wextra -Wconversion -Wshadow -Wundef -Wwrite-strings
    -Wredundant-decls -Wdisabled-optimization -Wdouble-promotion -Wmissing-declarations
    -Wlogical-op -Wno-aggressive-loop-optimizations -Wdeclaration-after-statement
    -Wmissing-prototypes -Wnested-externs -Wstrict-prototypes -Wold-style-definition'

# shellcheck disable=SC2086
compiler() {
    for source in src/*.c; do gcc $WARNINGS -O2 $INCLUDE -c "$source" -o /dev/null; done
}

# shellcheck disable=SC2086
gcc_analyzer() {
    for source in src/*.c; do
        gcc -std=c11 -O2 -fanalyzer -Werror $INCLUDE -c "$source" -o /dev/null
    done
}

# shellcheck disable=SC2086
clang_tidy() {
    clang-tidy --quiet src/*.c -- -std=c11 $INCLUDE 2>/dev/null || echo "it ended with $?"
}

# It reads our headers, and what it knows of others: once as on Linux, once without epoll. The
# parameters of a callback are libcurl's, so their const is no matter of ours.
cpp_check() {
    for lua in 501 504; do
        for system in -D__linux__ -U__linux__; do
            cppcheck --quiet --std=c11 --enable=warning,style,performance,portability \
                --inconclusive --inline-suppr --suppress=constParameter --library=posix,gnu \
                --platform=unix64 "$system" -D__GNUC__ -D__GLIBC__ -U__APPLE__ -U__has_include \
                -UCORE_NO_EPOLL -DLIBCURL_VERSION_NUM=0x075800 -DLUA_VERSION_NUM="$lua" \
                -DOPENSSL_VERSION_NUMBER=0x30000000L src
        done
    done
}

complexity() { pmccabe src/*.c | awk -v most="$MOST_COMPLEX" '$1 > most'; }

house() { lua5.4 spec/run.lua spec/house_spec.lua | grep -v -e '^ok ' -e ' 0 failed$' -e '^$'; }

wrong=0
for check in compiler gcc_analyzer clang_tidy cpp_check complexity house; do
    findings=$("$check" 2>&1)
    [ -z "$findings" ] && continue
    wrong=$((wrong + 1))
    printf '%s:\n%s\n' "$check" "$findings"
done
echo "gcc, its analyzer, clang-tidy, cppcheck, luacheck|$wrong"
[ "$wrong" = 0 ]
