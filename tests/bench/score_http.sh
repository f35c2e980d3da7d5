#!/bin/bash
# POST /api/v1/score at 500 requests a second beside half the load that the daemon can take: first a
# run at full speed over half of the events tells what it can, then the other half comes at half of
# that while the questions are asked. The bar is a p99 of 10 ms.
#
#   score_http.sh [RATE [SECONDS [EVENTS]]]    500 a second, 15 s, 1 000 000 events
. "$(dirname "$0")/../integration/lib.sh"
. "$(dirname "$0")/../integration/daemon_lib.sh"
need kcat curl python3
rate=${1:-500} seconds=${2:-15} wanted=${3:-1000000}
ninja -C "$build" tests/bench/bench-score-http >/dev/null
start_broker
start_redis
make_bank 200 40
"$hecate" gen --users $((wanted / 75)) --days 45 --seed 3 --out "$scratch/made" 2>/dev/null
head -n "$wanted" "$scratch/made" >"$events"
rm "$scratch/made"
make_topics 4
write_config 'output { commit_interval_ms = 50 }' 'state { cache_mib = 1024 }'
sed -i 's/score_topic = scores //' "$scratch/hecate.conf"
half=$((wanted / 2))
head -n "$half" "$events" >"$scratch/first"
tail -n +$((half + 1)) "$events" >"$scratch/second"
# Payments and log-ins that nobody has sent: of users and cards that are known.
tail -n 4000 "$scratch/second" | grep -E '"event_type":"(card_auth|transfer|login)"' >"$scratch/asked"
produce "$scratch/first"
start_daemon
wait_ready
full=$(python3 "$source/tests/bench/daemon_rate.py" "$daemon" "$http" "$half")
full=${full% *}
echo "alone: $full events/s"
load=$((full / 2))
enough=$((load * (seconds + 6)))
head -n "$enough" "$scratch/second" >"$scratch/paced"
python3 "$source/tests/proof/keyed.py" "$scratch/paced" "$load" |
    kcat -P -b "$broker" -t events -K '	' -X linger.ms=5 -X partitioner=murmur2_random -X compression.codec=lz4 &
later $!
sleep 2
before=$(metric hecate_events_processed_total)
status=0
"$build/tests/bench/bench-score-http" "${http%:*}" "${http##*:}" operator-token-0123456789 "$scratch/asked" \
    "$rate" "$seconds" || status=$?
after=$(metric hecate_events_processed_total)
echo "beside $(((after - before) / seconds)) events/s of $load wanted; lag $(metric hecate_kafka_consumer_lag_records)"
exit "$status"
