#!/bin/sh
# The unit suite, or some of its specs, under memcheck: valgrind.sh all | valgrind.sh NAME…
# Errors count, and memory that is definitely or indirectly lost. Whether the specs pass is the
# matter of ./run test: some give a process a second or two, in which it does not start here.
# The last line is "what ran|how many errors".
set -u

log=$(mktemp)
trap 'rm -f "$log" "$log".*' EXIT
trap 'exit 143' TERM

specs=''
[ "$1" = all ] || for name in "$@"; do specs="$specs spec/${name}_spec.lua"; done

# What suites leave is judged when their modules have been unloaded: without their names nobody
# could tell whose it was.
# shellcheck disable=SC2086
valgrind --leak-check=full --show-leak-kinds=definite,indirect --keep-debuginfo=yes \
    --errors-for-leak-kinds=definite,indirect --child-silent-after-fork=yes --num-callers=30 \
    --suppressions=spec/torture/valgrind.supp --log-file="$log" \
    lua5.4 spec/run.lua $specs >"$log.suite" 2>&1

tests=$(sed -n '$s/^\([0-9]*\) passed, .*/\1/p' "$log.suite")
errors=$(sed -n 's/.*ERROR SUMMARY: \([0-9]*\) errors.*/\1/p' "$log" | tail -n 1)
if [ "${tests:-0}" -lt 50 ] || [ -z "$errors" ]; then
    tail -n 40 "$log" "$log.suite"
    exit 1
fi
[ "$errors" = 0 ] || cat "$log"
echo "$tests tests under memcheck|$errors"
[ "$errors" = 0 ]
