#!/bin/sh
# Every host that cloudcal runs in: one row for each, two of them at a time, and as the last line
# "N passed, N failed".
#   spec/hosts/run.sh          all of them
#   spec/hosts/run.sh NAME…    some of them: the names are those of the functions below
# The packages of spec/hosts/packages have to be there.
set -u

SUITE_SECONDS=1200
EXAMPLE_SECONDS=120

cd "$(dirname -- "$0")/../.." || exit 1
root=$PWD
logs=$(mktemp -d)
lanes=''
job=''

# shellcheck disable=SC2086
finish() {
    status=$?
    trap '' INT TERM
    [ -z "$lanes" ] || kill $lanes 2>/dev/null || :
    wait
    rm -rf "$logs"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM

# Paths -----------------------------------------------------------------------------------

# Unversioned for 5.1 and LuaJIT, which know no other; each later Lua has its own.
set_paths() {
    scripts="$root/lua/?.lua;$root/lua/?/init.lua;;"
    export LUA_PATH="$scripts" LUA_CPATH="$root/build/5.1/?.so;;"
    export LUA_PATH_5_2="$scripts" LUA_CPATH_5_2="$root/build/5.2/?.so;;"
    export LUA_PATH_5_3="$scripts" LUA_CPATH_5_3="$root/build/5.3/?.so;;"
    export LUA_PATH_5_4="$scripts" LUA_CPATH_5_4="$root/build/5.4/?.so;;"
    unset FEISHU_USER_ACCESS_TOKEN
}

build() {
    for version in 5.1 5.2 5.3 5.4; do
        make -s LUA="$version" >"$logs/build" 2>&1 && continue
        cat "$logs/build"
        echo "the core for Lua $version was not built"
    done
}

# Rows ------------------------------------------------------------------------------------

row() { printf '%-20s %-7s %-84s %s\n' "$1" "$2" "$3" "$4"; }

# The word of a host's first line of --version that looks like a version.
version_of() { "$@" 2>&1 | sed -n 's/^[^0-9]*\([0-9][0-9.]*[0-9]\).*/\1/p' | head -n 1; }

# report HOST LUA STATUS: a row; what ran is the last line of its log, which a failure shows whole.
report() {
    what=$(tail -n 1 "$log")
    if [ "$3" = 0 ]; then
        echo "$1" >>"$logs/passed"
        row "$1" "$2" "$what" passed
    else
        printf '%s\n%s\n' "$(row "$1" "$2" "$what" "FAILED (status $3)")" "$(sed 's/^/    /' "$log")"
    fi
}

# bounded SECONDS COMMAND…: with its output in a log; nothing that it started outlives it. What
# runs beside a shell ignores Ctrl-C, and some of the specs press it.
bounded() {
    seconds=$1
    shift
    log=$(mktemp "$logs/XXXXXX")
    timeout -k 10 "$seconds" env --default-signal=INT,QUIT "$@" >"$log" 2>&1 </dev/null &
    job=$!
    wait "$job"
    job_status=$?
    job=''
    return "$job_status"
}

# Lua -------------------------------------------------------------------------------------

suite() {
    bounded "$SUITE_SECONDS" "$1" spec/run.lua
    status=$?
    grep -q '^[1-9][0-9]* passed, 0 failed$' "$log" || [ "$status" != 0 ] || status=1
    case $1 in
        luajit) report "LuaJIT $(version_of luajit -v)" LuaJIT "$status" ;;
        *) report "Lua $(version_of "$1" -v)" "${1#lua}" "$status" ;;
    esac
}

lua5_1() { suite lua5.1; }
lua5_2() { suite lua5.2; }
lua5_3() { suite lua5.3; }
lua5_4() { suite lua5.4; }
luajit2() { suite luajit; }

# Hosts -----------------------------------------------------------------------------------

nginx_workers() {
    bounded "$SUITE_SECONDS" lua5.4 spec/run.lua spec/hosts/nginx.lua
    report "nginx $(version_of nginx -v)" LuaJIT $?
}

oauth_callback() {
    bounded "$EXAMPLE_SECONDS" lua5.4 spec/run.lua spec/hosts/oauth_callback.lua
    report "nginx, web login" LuaJIT $?
}

given_up() {
    bounded "$SUITE_SECONDS" lua5.4 spec/run.lua spec/hosts/leaks.lua
    report "valgrind $(version_of valgrind --version)" 5.4 $?
}

caldav_server() {
    bounded "$EXAMPLE_SECONDS" lua5.4 spec/run.lua spec/hosts/caldav.lua
    status=$?
    radicale=$(/usr/bin/python3 -c 'import radicale; print(radicale.VERSION)' 2>&1)
    report "Radicale $radicale" 5.4 "$status"
}

luarocks_trees() {
    bounded "$SUITE_SECONDS" lua5.4 spec/run.lua spec/hosts/rocks.lua
    report "LuaRocks $(version_of luarocks --version)" '5.4 5.1' $?
}

event_loops() {
    bounded "$SUITE_SECONDS" lua5.4 spec/run.lua spec/hosts/adapters.lua
    report "luv, cqueues, copas" 5.4 $?
}

neovim() {
    bounded "$EXAMPLE_SECONDS" nvim --headless --clean -u NONE -i NONE \
        +'luafile examples/neovim/test.lua' +qa
    report "Neovim $(version_of nvim --version)" LuaJIT $?
}

love_screen() {
    picture=$logs/love.png
    bounded "$EXAMPLE_SECONDS" env CLOUDCAL_PICTURE="$picture" \
        xvfb-run -a -s '-screen 0 800x600x24' love examples/love
    status=$?
    [ "$status" != 0 ] || [ "$(wc -c <"$picture")" -gt 4096 ] || status=1
    report "LOVE $(version_of love --version)" LuaJIT "$status"
}

haproxy_chroot() {
    as_root=''
    [ "$(id -u)" = 0 ] || as_root='sudo -n --preserve-env'
    # shellcheck disable=SC2086
    bounded "$EXAMPLE_SECONDS" $as_root sh examples/haproxy/test.sh
    report "HAProxy $(version_of haproxy -v)" 5.3 $?
}

embedded() {
    mkdir -p build/embed
    bounded "$EXAMPLE_SECONDS" sh -c '
        make -s -C examples/embed BUILD="$0/build/embed" "$0/build/embed/embed-$1" &&
        output=$("build/embed/embed-$1" examples/embed/calendar.lua) && echo "$output" &&
        count=$(echo "$output" | grep -c "^primary") && [ "$count" = 3 ] &&
        echo "three states, one after the other, fetched a calendar each"' "$root" "$1"
    report "C program, $1" 5.4 $?
}

embedded_static() { embedded static; }
embedded_dynamic() { embedded dynamic; }

# -----------------------------------------------------------------------------------------

all='lua5_1 lua5_2 lua5_3 lua5_4 luajit2 nginx_workers oauth_callback given_up event_loops
    caldav_server luarocks_trees neovim love_screen haproxy_chroot embedded_static
    embedded_dynamic'
chosen=${*:-$all}

for host in $chosen; do
    case " $(echo $all) " in
        *" $host "*) ;;
        *)
            echo "there is no host $host; there are:" $all
            exit 2
            ;;
    esac
done

# Takes one host after the other, of those that no other lane has taken.
lane() {
    trap '[ -z "$job" ] || kill "$job"; wait; exit 143' TERM
    for host in $chosen; do
        ! mkdir "$logs/$host" 2>/dev/null || "$host"
    done
}

set_paths
build
: >"$logs/passed"
row host Lua 'what ran' result
# two lanes: specs spend half of their time waiting
lane &
lanes=$!
lane &
lanes="$lanes $!"
wait
lanes=''

# what did not come to its report has failed
passed=$(wc -l <"$logs/passed")
failed=$(($(printf '%s\n' $chosen | sort -u | wc -l) - passed))
echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
