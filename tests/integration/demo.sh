#!/bin/bash
# The demo: to its end with alerts of every head, and stopped in the middle; nothing is left behind.
. "$(dirname "$0")/lib.sh"
need redis-server

left_behind() {
    find "$scratch" -name 'hecate-demo-*' | grep . && fail "the demo left its directory"
    grep -al "$scratch/hecate-demo-" /proc/[0-9]*/cmdline 2>/dev/null && fail "the demo left processes"
    return 0
}

export TMPDIR=$scratch
"$hecate" demo --rate 8000 >"$scratch/out" 2>&1 || fail "the demo: $(cat "$scratch/out")"
left_behind
for head in card_fraud ato anomaly; do
    alerts=$(awk -v head="$head" '$1 == head && NF == 9 && $9 ~ /^[01][.][0-9]+$/ { print $2 }' "$scratch/out")
    [ "${alerts:-0}" -gt 0 ] || fail "no alert of $head: $(cat "$scratch/out")"
done
for words in 'keep nothing' 'kcat -b' 'p99' 'recall'; do
    grep -q -- "$words" "$scratch/out" || fail "the demo should say \"$words\""
done

# Stopped while it plays: the same end, only sooner. A script's background jobs ignore SIGINT, so
# the other signal it is.
"$hecate" demo >"$scratch/stopped" 2>&1 &
demo=$!
later "$demo"
wait_for 60 grep -q 'from here on it is live' "$scratch/stopped"
kill -TERM "$demo"
status=0
wait "$demo" || status=$?
[ "$status" -eq 130 ] || fail "a stopped demo should end with 130, not $status"
left_behind
grep -E '^(card_fraud|ato|anomaly) ' "$scratch/out" || true
echo good
