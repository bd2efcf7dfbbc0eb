#!/bin/sh
# Keeps the login of a user alive from cron, and says something only if a person can help:
#
#     17 6 * * *  . $HOME/.cloudcal.env; /path/to/examples/cron.sh alice
#
# A login that nobody uses ends after some days; one call a day renews it. .cloudcal.env, mode 0600,
# exports FEISHU_APP_ID and FEISHU_APP_SECRET; "cloudcal login --user alice" comes first, once.
# cron mails what a job prints, so all is well when nothing comes. What passes by itself (the network,
# a busy service) is reported when it has happened PATIENCE times in a row.
# CLOUDCAL is the command, "cloudcal" if it is not set. Exit status: 0, or that of the command.
set -u

[ $# = 1 ] || {
    echo "use: cron.sh USER" >&2
    exit 2
}
user=$1
patience=${PATIENCE:-3}
state=${XDG_STATE_HOME:-$HOME/.local/state}/cloudcal
failures=$state/cron.$(printf %s "$user" | tr -c 'A-Za-z0-9._-' _).failures
umask 077
mkdir -p -- "$state" || exit 1

status=0
# shellcheck disable=SC2086
said=$(${CLOUDCAL:-cloudcal} primary --identity user --user "$user" 2>&1) || status=$?

count=0
[ ! -s "$failures" ] || read -r count <"$failures"
count=$((count + 1))

case $status in # cloudcal help exit-codes
    0)
        rm -f -- "$failures"
        exit 0
        ;;
    5) echo "$user has to log in again: cloudcal login --user $user" ;;
    6) echo "The app has to be changed in its console:" ;;
    9 | 11 | 14 | 16)
        echo "$count" >"$failures"
        [ "$count" -ge "$patience" ] || exit "$status"
        echo "For $count times in a row it did not work:"
        ;;
    *) echo "It did not work (status $status):" ;;
esac
echo "$said"
exit "$status"
