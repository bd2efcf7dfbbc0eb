#!/bin/sh
# run.sh [FOLDER]: nginx with the configuration in FOLDER (that of this file), on port $PORT (8080);
# without FEISHU_APP_ID in the environment the services are the sandbox's. Ends with nginx, or on
# Ctrl-C.
set -eu

nginx_example=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
here=$(CDPATH='' cd -- "${1:-$nginx_example}" && pwd)
work=$(mktemp -d)
sandbox='' nginx=''

finish() {
    trap '' EXIT INT TERM
    # shellcheck disable=SC2086
    [ -z "$nginx$sandbox" ] || kill $nginx $sandbox 2>/dev/null || :
    wait
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# A member of the object feishu in the sandbox's ready line.
member() {
    sed 's/\\//g; s/.*"feishu":{\([^}]*\)}.*/\1/; s/.*"'"$1"'":"\([^"]*\)".*/\1/' "$work/ready"
}

start_sandbox() {
    "$nginx_example/../../run" sandbox --no-stdin >"$work/ready" &
    sandbox=$!
    until [ -s "$work/ready" ]; do
        kill -0 "$sandbox"
        sleep 0.05
    done
    CLOUDCAL_BASE_URL=$(member base_url)
    CLOUDCAL_CA_FILE=$(sed 's/\\//g; s/.*"ca_file":"\([^"]*\)".*/\1/' "$work/ready")
    FEISHU_APP_ID=$(member app_id)
    FEISHU_APP_SECRET=$(member app_secret)
    export CLOUDCAL_BASE_URL CLOUDCAL_CA_FILE FEISHU_APP_ID FEISHU_APP_SECRET
}

[ -n "${FEISHU_APP_ID:-}" ] || start_sandbox
PORT=${PORT:-8080}
export PUBLIC_URL="${PUBLIC_URL:-http://127.0.0.1:$PORT}"
sed "s|@PORT@|$PORT|; s|@WORK@|$work|; s|@HERE@|$here|" "$here/nginx.conf" >"$work/nginx.conf"

# workers of root's nginx would not be allowed to read the sandbox's CA file
own=''
[ "$(id -u)" != 0 ] || own='user root;'
nginx -p "$work" -c "$work/nginx.conf" -e stderr -g "$own" &
nginx=$!
wait "$nginx"
