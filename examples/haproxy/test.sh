#!/bin/sh
# HAProxy in a chroot against the sandbox: the calendar, and a fast path beside slow calls.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
sandbox='' haproxy='' slow=''

finish() {
    status=$?
    trap '' EXIT INT TERM
    # shellcheck disable=SC2086
    [ -z "$slow$haproxy$sandbox" ] || kill $slow $haproxy $sandbox 2>/dev/null || :
    wait
    [ "$status" = 0 ] || cat "$work"/*.log >&2
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
    echo "$*" >&2
    exit 1
}

# Waits for a command to succeed.
await() {
    tries=200
    until "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || fail "waited too long for: $*"
        sleep 0.05
    done
}

# A member of the object feishu in the sandbox's ready line.
member() {
    sed 's/\\//g; s/.*"feishu":{\([^}]*\)}.*/\1/; s/.*"'"$1"'":"\([^"]*\)".*/\1/' "$work/ready"
}

get() { curl -sS --max-time 20 --unix-socket "$work/web" "http://example$1"; }

set_faults() {
    curl -sS --fail --noproxy '*' --cacert "$CLOUDCAL_CA_FILE" -d "$1" \
        "$CLOUDCAL_BASE_URL/_sandbox/faults" >/dev/null
}

start_sandbox() {
    lua5.4 "$here/../sandbox.lua" --no-stdin --rate off >"$work/ready" 2>"$work/sandbox.log" &
    sandbox=$!
    await test -s "$work/ready"
    CLOUDCAL_BASE_URL=$(member base_url)
    FEISHU_USER_ACCESS_TOKEN=$(member user_access_token)
    CLOUDCAL_CA_FILE=$(sed 's/\\//g; s/.*"ca_file":"\([^"]*\)".*/\1/' "$work/ready")
    export CLOUDCAL_BASE_URL FEISHU_USER_ACCESS_TOKEN CLOUDCAL_CA_FILE
}

start_haproxy() {
    mkdir "$work/root"
    CLOUDCAL_CHROOT=$work/root CLOUDCAL_EXAMPLE=$here CLOUDCAL_BIND="unix@$work/web" \
        haproxy -db -f "$here/haproxy.cfg" >"$work/haproxy.log" 2>&1 &
    haproxy=$!
    await test -S "$work/web"
    [ "$(readlink "/proc/$haproxy/root")" = "$work/root" ] || fail 'HAProxy is not in the chroot'
}

slow_calls() {
    set_faults '["slow:2","slow:2","slow:2","slow:2"]'
    for number in 1 2 3 4; do
        get /calendar >"$work/slow.$number" &
        slow="$slow $!"
    done
}

# The longest answer of the fast path, in milliseconds.
fast_answers() {
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        curl -sS --max-time 20 --unix-socket "$work/web" -o /dev/null -w '%{time_total}\n' \
            http://example/
        sleep 0.02
    done | awk '$1 > most { most = $1 } END { printf "%d", most * 1000 + 1 }'
}

start_sandbox
start_haproxy
get /calendar >"$work/first.log"
grep -q '"type":"primary"' "$work/first.log" || fail 'no calendar'
slow_calls
longest=$(fast_answers)
cat "$work"/slow.* >"$work/early"
[ ! -s "$work/early" ] || fail 'the calls were not slow enough'
# shellcheck disable=SC2086
wait $slow
slow=''
for number in 1 2 3 4; do
    grep -q '"type":"primary"' "$work/slow.$number" || fail 'a slow call has no calendar'
done
# beside a call that blocks, it would take the two seconds of the call
[ "$longest" -lt 1000 ] || fail "the fast path took $longest ms"
set_faults '["191002"]'
get /calendar | grep -q '"error":' || fail 'an error was not reported'
echo "5 calendars in a chroot; beside slow calls the fast path took $longest ms at most"
