#!/bin/bash
# Several engines and two daemons in one group, over a real broker: partitions change hands while
# events flow, one daemon is killed, and every scored event has one score.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
need kcat curl python3 jq
start_broker
start_redis
make_bank
make_topics 4
write_config
sed -i 's/instance = test/instance = test engines = 2/' "$scratch/hecate.conf"
total=$(wc -l <"$events")
third=$((total / 3))

# What a careful reader finds, sorted.
score_ids() {
    read_topic scores | jq -r .event_id | sort >"$scratch/ids"
}

# ---- One daemon, two engines
head -n "$third" "$events" >"$scratch/first"
produce "$scratch/first"
start_daemon
wait_ready
wait_done "$third"
first=$daemon

# ---- A second daemon takes its share; the first is killed in the middle
sed -e 's/instance = test/instance = other/' -e 's/admin\.sock/other.sock/' "$scratch/hecate.conf" \
    >"$scratch/other.conf"
"$hecated" -c "$scratch/other.conf" >"$scratch/other.log" 2>&1 &
second=$!
later "$second"
is_second_ready() {
    kill -0 "$second" || fail "the second daemon ended: $(tail -3 "$scratch/other.log")"
    grep -q event=ready "$scratch/other.log"
}
wait_for 60 is_second_ready
sed -n "$((third + 1)),$((2 * third))p" "$events" >"$scratch/second"
produce "$scratch/second"
sleep 1
kill -0 "$first" || fail "the first daemon ended: $(tail -3 "$scratch/log")"
kill -0 "$second" || fail "the second daemon ended: $(tail -3 "$scratch/other.log")"
kill -KILL "$first"
wait "$first" 2>/dev/null || true
tail -n +"$((2 * third + 1))" "$events" >"$scratch/third"
produce "$scratch/third"
end=$((SECONDS + 90))
until [ "$(committed)" -ge "$total" ]; do
    kill -0 "$second" || fail "the second daemon ended: $(tail -3 "$scratch/other.log")"
    [ "$SECONDS" -lt "$end" ] || fail "$(committed) of $total committed: $(tail -3 "$scratch/other.log")"
    sleep 0.5
done

# ---- Each scored event once
expected=$(grep -cE '"event_type":"(card_auth|transfer|login|account_change)"' "$events")
score_ids
[ "$(uniq -d "$scratch/ids" | wc -l)" = 0 ] || fail "events were scored twice"
[ "$(wc -l <"$scratch/ids")" = "$expected" ] || fail "$(wc -l <"$scratch/ids") scores, not $expected"
kill -TERM "$second"
wait "$second" || fail "the second daemon ended with status $?: $(tail -3 "$scratch/other.log")"
! grep -E 'level=error' "$scratch/other.log" || fail "the second daemon told an error"
