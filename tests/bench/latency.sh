#!/bin/bash
# From the moment an event is due until a careful reader has its score, at a steady pace, open loop:
# at least once, exactly once with a transaction every 50 ms, and the same with commits overlapped.
#
#   latency.sh [RATE [SECONDS [ROUNDS]]]      default 10000 a second for 30 s, 3 rounds
#
# Prints each run and the medians: p99 at least once (bar 50 ms), p99 committed (bar 250 ms). Sender,
# broker, daemon and reader share this machine, and whatever else it does is in the figures.
. "$(dirname "$0")/../integration/lib.sh"
. "$(dirname "$0")/../integration/daemon_lib.sh"
need kcat python3
rate=${1:-10000} seconds=${2:-30} rounds=${3:-3}
total=$((rate * seconds))
start_broker
start_redis
make_bank 200 40
"$hecate" gen --users $((total / 75 + 100)) --days 50 --seed 3 --out "$scratch/made" 2>/dev/null
grep -E '"event_type":"(card_auth|transfer)"' "$scratch/made" | head -n "$total" >"$events"
[ "$(wc -l <"$events")" = "$total" ] || fail "only $(wc -l <"$events") of $total events could be made"
rm "$scratch/made"
make_topics 4

once() { # NAME ARG... of hecated
    local name=$1 line
    shift
    "$support/redis.sh" cli "$scratch/redis" FLUSHALL >/dev/null
    write_config
    sed -i "s|group = test|group = $name-$round|; s|instance = test|instance = $name$round|" "$scratch/hecate.conf"
    start_daemon --set input.start_from=latest --set state.key_prefix="$name$round" "$@"
    wait_ready 60
    line=$(python3 "$source/tests/bench/latency.py" "$broker" "$events" "$rate" $((total / 5)))
    stop_daemon
    echo "$name round $round: p50 p90 p99 p99.9 max ms, seen, sender late by ms: $line (load $(cut -d' ' -f1 /proc/loadavg))"
    echo "$line" >>"$scratch/$name.out"
}

for round in $(seq "$rounds"); do
    once at-least-once --set output.delivery=at_least_once
    once committed --set output.overlap=false
    once overlapped --set output.overlap=true
done
for name in at-least-once committed overlapped; do
    python3 -c '
import statistics, sys
rows = [list(map(float, line.split())) for line in open(sys.argv[1])]
print(f"{sys.argv[2]}: medians of {len(rows)}: p50 {statistics.median(r[0] for r in rows):.1f} ms, "
      f"p99 {statistics.median(r[2] for r in rows):.1f} ms")' "$scratch/$name.out" "$name"
done
