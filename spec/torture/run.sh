#!/bin/sh
# What has to hold when all goes wrong: one row for each kind of trouble, two of them at a time,
# and as the last line "N passed, N failed".
#   ./run torture             all of them
#   ./run torture ci          those that every change has to pass
#   ./run torture ROW…        some of them: the names are those of the functions below
#   ./run torture long [ROW…] more of everything
#   ./run torture --write     all of them, and the table goes to docs/reliability.md
#   ./run torture --prove [ROW…]  each row once more on a copy with a bug planted in it
#                             (spec/torture/planted): there it has to fail
# The packages of spec/torture/packages have to be there.
set -u

ROW_SECONDS=1800
LONG_SECONDS=7200

cd "$(dirname -- "$0")/../.." || exit 1
root=$PWD
made=$root/build/torture
logs=$(mktemp -d)
lanes=''
job=''

finish() {
    status=$?
    trap '' INT TERM
    # shellcheck disable=SC2086
    [ -z "$lanes" ] || kill $lanes 2>/dev/null || :
    wait
    rm -rf "$logs"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

export LUA_PATH="$root/lua/?.lua;$root/lua/?/init.lua;$root/?.lua;;"
export LUA_CPATH="$root/build/5.4/?.so;;"
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
unset LUA_PATH_5_4 LUA_CPATH_5_4

# Building --------------------------------------------------------------------------------

INCLUDE=$(pkg-config --cflags lua5.4 libcurl openssl)
LIBS="$(pkg-config --libs lua5.4 libcurl openssl) -pthread -ldl -lm"
WARN='-std=c11 -Wall -Wextra -Werror'

# compile KIND FLAGS…: the core into a folder of its own
compile() {
    kind=$1
    shift
    mkdir -p "$made/$kind"
    for source in src/*.c; do
        # shellcheck disable=SC2086
        clang $WARN -g -O1 -fno-omit-frame-pointer "$@" $INCLUDE \
            -c "$source" -o "$made/$kind/$(basename "$source" .c).o" || return 1
    done
}

# program NAME KIND FLAGS…: spec/torture/NAME.c and the core of this kind
program() {
    name=$1
    kind=$2
    shift 2
    # shellcheck disable=SC2086
    clang $WARN -g -O1 -fno-omit-frame-pointer "$@" $INCLUDE -Wl,-E \
        "spec/torture/$name.c" "$made/$kind"/*.o -o "$made/$name" $LIBS
}

ADDRESSES='-fsanitize=address,undefined -fno-sanitize-recover=undefined'

# shellcheck disable=SC2086
build_host() {
    compile faulty $ADDRESSES -Dmalloc=host_malloc -Drealloc=host_realloc &&
        program host faulty $ADDRESSES spec/torture/sockets.c
}

# shellcheck disable=SC2046,SC2086
build_fuzz() {
    clang $WARN -g -O1 -fno-omit-frame-pointer -fsanitize=fuzzer $ADDRESSES $INCLUDE \
        spec/torture/fuzz.c spec/torture/open_transfer.c \
        $(ls src/*.c | grep -v /transfer.c) -o "$made/fuzz" $LIBS
}

build_threads() {
    compile threaded -fsanitize=thread && program threads threaded -fsanitize=thread
}

build_residue() {
    compile kept -Dmalloc=host_malloc -Drealloc=host_realloc -Dfree=host_free &&
        program residue kept
}

build() {
    make -s >"$logs/build" 2>&1 && build_host >>"$logs/build" 2>&1 &&
        build_fuzz >>"$logs/build" 2>&1 && build_threads >>"$logs/build" 2>&1 &&
        build_residue >>"$logs/build" 2>&1 && return
    cat "$logs/build"
    echo 'the programs were not built'
    return 1
}

# Rows ------------------------------------------------------------------------------------

row() { printf '%-34s %-54s %-6s %s\n' "$1" "$2" "$3" "$4"; }

# report WHAT STATUS: the last line of the log is "what was tried|how much of it went wrong"
report() {
    tried=$(tail -n 1 "$log" | sed -n 's/|[0-9]*$//p')
    wrong=$(tail -n 1 "$log" | sed -n 's/^.*|\([0-9]*\)$/\1/p')
    if [ "$2" = 0 ] && [ "$wrong" = 0 ]; then
        echo "$1" >>"$logs/passed"
        row "$1" "$tried" "$wrong" passed >"$logs/$name.row"
        cat "$logs/$name.row"
    else
        row "$1" "${tried:-it did not come to its end}" "${wrong:--}" FAILED >"$logs/$name.row"
        printf '%s\n%s\n' "$(cat "$logs/$name.row")" "$(sed 's/^/    /' "$log" | tail -n 60)"
    fi
}

# checked WHAT COMMAND…: a row; nothing that the command started outlives it
checked() {
    what=$1
    shift
    log=$(mktemp "$logs/XXXXXX")
    timeout -k 10 "$seconds" "$@" >"$log" 2>"$log.errors" </dev/null &
    job=$!
    wait "$job"
    checked_status=$?
    job=''
    if [ "$checked_status" != 0 ]; then
        last=$(tail -n 1 "$log")
        cat "$log.errors" >>"$log"
        echo "$last" >>"$log"
    fi
    report "$what" "$checked_status"
}

# with_server WHAT COMMAND…: the same, with two ports and a CA file as the last arguments
with_server() {
    mkfifo "$logs/$name.stop"
    lua5.4 spec/torture/server.lua <"$logs/$name.stop" >"$logs/$name.server" 2>&1 &
    server=$!
    exec 9>"$logs/$name.stop"
    tries=0
    until grep -q '^[0-9]* [0-9]* /' "$logs/$name.server" || [ "$tries" = 500 ]; do
        sleep 0.02
        tries=$((tries + 1))
    done
    # shellcheck disable=SC2046
    checked "$@" $(cat "$logs/$name.server")
    exec 9>&-
    wait "$server"
}

lua_memory() { checked 'Lua out of memory' "$made/host" spec/torture/memory.lua lua 1; }
own_memory() { checked 'the core out of memory' "$made/host" spec/torture/memory.lua ours 1; }
curl_memory() { checked 'libcurl out of memory' "$made/host" spec/torture/memory.lua curl 1; }

socket_faults() {
    stride=8
    [ "$length" = short ] || stride=1
    with_server 'socket calls that fail' "$made/host" spec/torture/sockets.lua "$stride"
}

# every request of OpenSSL takes minutes
openssl_memory() {
    stride=17
    [ "$length" = short ] || stride=1
    checked 'OpenSSL out of memory' "$made/host" spec/torture/memory.lua openssl "$stride"
}

first_calls() {
    stride=197
    [ "$length" = short ] || stride=1
    with_server 'OpenSSL out of memory, at first' "$made/host" spec/torture/firsts.lua "$stride"
}

# beside_nginx WHAT SCRIPT: one that needs the core for nginx, too
beside_nginx() {
    # shellcheck disable=SC2016
    checked "$1" sh -c 'make -s LUA=5.1 && exec lua5.4 "$0"' "$2"
}

bad_servers() { beside_nginx 'TLS servers not to be trusted' spec/torture/tls.lua; }
bad_answers() { beside_nginx 'bad answers' spec/torture/bad_answers.lua; }

http2() { checked 'HTTP/2 servers' lua5.4 spec/torture/http2.lua; }
redirects() { checked 'redirections' lua5.4 spec/torture/redirects.lua; }

# fuzzed TARGET WHAT
fuzzed() {
    runs=1000000
    [ "$length" = short ] || runs=50000000
    mkdir -p "$logs/found"
    # shellcheck disable=SC2016
    checked "fuzzing: $2" env TARGET="$1" sh -c 'mkdir "$1/$TARGET" &&
        "$0" -runs="$2" -max_len=512 -seed=1 -rss_limit_mb=1024 -artifact_prefix="$1/" \
            "$1/$TARGET" "spec/torture/corpus/$TARGET" &&
        grep -q "." "$1/$TARGET"/* && echo "$2 runs|0"' "$made/fuzz" "$logs/found" "$runs"
}

fuzz_utf8() { fuzzed utf8 'UTF-8'; }
fuzz_text() { fuzzed text 'lines and URLs'; }
fuzz_header() { fuzzed header 'the header look-up'; }
fuzz_json() { fuzzed json 'JSON before decoding'; }
fuzz_head() { fuzzed head "an answer's head"; }

bad_inputs() { checked 'wrong requests' "$made/host" spec/torture/bad_inputs.lua; }

injections() { checked 'injections' lua5.4 spec/torture/injections.lua; }
base_urls() { checked 'hostile addresses of a server' "$made/host" spec/torture/base_urls.lua; }

# mutated WHAT PROGRAM
mutated() {
    texts=200000
    [ "$length" = short ] || texts=5000000
    checked "mutating: $1" lua5.4 "spec/torture/$2.lua" "$texts"
}

fuzz_answers() { mutated 'answers' fuzz_answers; }
fuzz_requests() { mutated "the sandbox's requests" fuzz_requests; }

retries() {
    sequences=10000
    [ "$length" = short ] || sequences=3000000
    checked 'retries on a simulated clock' lua5.4 spec/torture/retries.lua "$sequences"
}

two_threads() { with_server 'two Lua states in two threads' "$made/threads" spec/torture/threads.lua; }
forks() { with_server 'fork with calls in flight' "$made/host" spec/torture/forks.lua; }

secrets() { with_server 'secrets in memory' "$made/residue" spec/torture/residue.lua; }

soak() {
    calls=20000
    [ "$length" = short ] || calls=1000000
    with_server 'soak' lua5.4 spec/torture/soak.lua "$calls"
}

cjson_memory() { checked 'what lua-cjson loses' "$made/host" spec/torture/cjson.lua "$made/host"; }

coverage() {
    with_server 'coverage' sh spec/torture/coverage.sh "$made/coverage"
}

valgrind() {
    specs='core digest json files_core journal transfer misbehaviour'
    [ "$length" = short ] || specs=all
    # shellcheck disable=SC2086
    checked 'valgrind over the unit suite' sh spec/torture/valgrind.sh $specs
}

static() { checked 'static analysis' sh spec/torture/static.sh; }

closing() {
    with_server 'ends in the middle of transfers' "$made/host" spec/torture/closing.lua
}

collections() {
    rounds=1
    [ "$length" = short ] || rounds=67 # 200 calls of each endpoint
    checked 'collection at every instruction' "$made/host" spec/torture/collections.lua "$rounds"
}

all='lua_memory own_memory curl_memory openssl_memory first_calls socket_faults bad_servers
    bad_answers http2 redirects bad_inputs injections base_urls fuzz_utf8 fuzz_text fuzz_header
    fuzz_json fuzz_head fuzz_answers fuzz_requests retries two_threads forks secrets soak
    collections closing cjson_memory static valgrind coverage'

# Proofs ----------------------------------------------------------------------------------

# a row on a copy of this tree that has its planted bug
prove() {
    copy=$logs/$1.copy
    mkdir "$copy"
    # all but what git and make keep here
    find . -mindepth 1 -maxdepth 1 ! -name .git ! -name build -exec cp -R {} "$copy" \;
    if ! (cd "$copy" && patch -s -p1 <"$root/spec/torture/planted/$1.patch") >&2; then
        row "$1" 'its planted bug does not fit' - FAILED
        return
    fi
    sh "$copy/spec/torture/run.sh" "$1" >"$logs/$1.output" 2>&1 &
    job=$!
    if wait "$job"; then
        row "$1" 'passes with its planted bug' - FAILED
    elif grep -q 'programs were not built' "$logs/$1.output"; then
        row "$1" 'cannot be built with its planted bug' - FAILED
        cat "$logs/$1.output"
    elif ! grep -q '^0 passed, 1 failed$' "$logs/$1.output"; then
        row "$1" 'does not end with its planted bug' - FAILED
        cat "$logs/$1.output"
    else
        row "$1" 'fails with its planted bug' - passed
        echo "$1" >>"$logs/passed"
    fi
    job=''
    rm -rf "$copy"
}

# The document ----------------------------------------------------------------------------

# The table between its two marks, and where it comes from.
write() {
    {
        sed '/^<!-- table -->$/q' docs/reliability.md
        echo
        # shellcheck disable=SC1091
        echo "$(date -u +%F), $(. /etc/os-release && echo "$PRETTY_NAME"), $(nproc) CPUs;" \
            "libcurl $(pkg-config --modversion libcurl), OpenSSL $(pkg-config --modversion openssl)," \
            "Lua $(pkg-config --modversion lua5.4):"
        echo
        echo '| row | what | tried | went wrong | |'
        echo '|---|---|---|---|---|'
        for name in $chosen; do
            sed -n "s/^\(.\{34\}\) \(.\{54\}\) \(.\{6\}\) \(passed\|FAILED\)$/| \`$name\` | \1 | \2 | \3 | \4 |/p" \
                "$logs/$name.row" | sed 's/ *|/ |/g; s/^ |/|/'
        done
        echo
        sed -n '/^<!-- end of the table -->$/,$p' docs/reliability.md
    } >"$logs/document"
    cp "$logs/document" docs/reliability.md
}

# -----------------------------------------------------------------------------------------

mode=''
length=short
seconds=$ROW_SECONDS
while :; do
    case ${1-} in
        --prove | --write) mode=$1 ;;
        long)
            length=long
            seconds=$LONG_SECONDS
            ;;
        # the two that run specs, which CI does anyway, are left out
        ci) all=$(echo $all | sed 's/ \(valgrind\|coverage\)\>//g') ;;
        help | -h | --help)
            sed -n '2,/^set /s/^# \{0,1\}//p' "$0"
            echo 'The rows:'
            echo $all | fold -s -w 95
            exit
            ;;
        *) break ;;
    esac
    shift
done
chosen=${*:-$all}

for name in $chosen; do
    case " $(echo $all) " in
        *" $name "*) ;;
        *)
            echo "there is no row $name; there are:" $all
            exit 2
            ;;
    esac
done

# takes one row after the other, of those that no other lane has taken
lane() {
    trap '[ -z "$job" ] || kill "$job"; exec 9>&-; wait; exit 143' TERM
    for name in $chosen; do
        mkdir "$logs/$name.taken" 2>/dev/null || continue
        if [ "$mode" = --prove ]; then prove "$name"; else "$name"; fi
    done
}

: >"$logs/passed"
if [ "$mode" = --prove ] || build; then # no row runs on what was built before
    [ "$mode" = --prove ] || row what tried wrong result
    lane &
    lanes=$!
    lane &
    lanes="$lanes $!"
    wait
    lanes=''
fi
if [ "$mode" = --write ] && [ -s "$logs/passed" ]; then write; fi

passed=$(wc -l <"$logs/passed")
failed=$(($(printf '%s\n' $chosen | sort -u | wc -l) - passed))
echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
