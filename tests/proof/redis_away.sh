#!/bin/bash
# Redis is away under a steady load, and comes back: scoring goes on, C advances, W stands still;
# on return the state is stored again in time, and is what an undisturbed run makes of the same log.
#
#   redis_away.sh [SECONDS [RATE]]     away for so long (default 600), events a second (default 5000)
#
# The daemon starts with an empty cache shortly before, so that states are missing while Redis is
# away and everything has to be replayed: the slowest way back. Exit status 0: exact within 60 s.
. "$(dirname "$0")/../integration/lib.sh"
. "$(dirname "$0")/../integration/daemon_lib.sh"
seconds=${1:-600} rate=${2:-5000} within=60
before=$((rate * 20))
total=$((before + rate * (seconds + within + 20)))
need kcat curl python3 redis-cli

start_broker
start_redis --appendonly yes
make_bank
"$hecate" gen --users 20000 --days $((total / 38000 + 1)) --seed 11 --out "$scratch/all" 2>/dev/null
head -n "$total" "$scratch/all" >"$scratch/events.many" && rm "$scratch/all"
total=$(wc -l <"$scratch/events.many")
make_topics 2
write_config

now_ms() { date +%s%3N; }

degraded() { metric 'hecate_degraded.*state_unavailable'; }

start_daemon
wait_ready
head -n "$before" "$scratch/events.many" >"$scratch/part"
produce "$scratch/part"
wait_done "$before" 120
stop_daemon
start_daemon
wait_ready 60

tail -n "+$((before + 1))" "$scratch/events.many" | python3 "$source/tests/proof/keyed.py" - "$rate" |
    kcat -P -b "$broker" -t events -K '	' -X linger.ms=20 -X partitioner=murmur2_random \
        -X compression.codec=lz4 &
producer=$!
later "$producer"
sleep 5
"$support/redis.sh" kill "$scratch/redis"
sleep "$((seconds - 2))"
[ "$(degraded)" -ge 1 ] || fail "Redis is away and nobody says so"
frozen=$(metric hecate_checkpoint_lag_records)
lag=$(metric hecate_kafka_consumer_lag_records)
[ "$frozen" -ge $((rate * (seconds - 5) * 8 / 10)) ] || fail "W is only $frozen records behind C"
[ "$lag" -le $((rate * 3)) ] || fail "scoring does not go on: $lag records behind"
rss=$(($(awk '/^VmRSS/ { print $2 }' "/proc/$daemon/status") / 1024))
sleep 2

start_redis --appendonly yes
began=$(now_ms)
is_exact() {
    [ "$(degraded)" = 0 ] && [ "$(metric 'hecate_degraded.*rebuilding')" = 0 ] &&
        [ "$(metric hecate_checkpoint_lag_records)" -le $((2 * rate)) ]
}
wait_for 300 is_exact
took=$(($(now_ms) - began))
wait "$producer"
wait_done 0 120
lag_is_gone() { [ "$(committed)" -ge "$total" ]; }
wait_for 120 lag_is_gone
stop_daemon

echo "Redis away for $seconds s at $rate events/s: W was $frozen records behind, the daemon had" \
    "$rss MiB; stored and exact again $took ms after its return, under the same load"
labels=$(grep -c '"event_type":"label"' "$scratch/events.many" || true)
read_topic scores | grep -o '"event_id":"[^"]*"' >"$scratch/ids"
expected=$((total - labels)) # a label is no question
[ "$(wc -l <"$scratch/ids")" = "$expected" ] || fail "$(wc -l <"$scratch/ids") scores, not $expected"
[ "$(sort -u "$scratch/ids" | wc -l)" = "$expected" ] || fail "events are scored twice, others not"
[ "$(read_topic dead | wc -l)" = 0 ] || fail "dead letters"
echo "$total events, $labels of them labels: $expected scores, each event's once"

# The same log without a disturbance: another group, another place in Redis, built silently.
start_daemon --set input.group=again --set input.start_from=latest --set state.key_prefix=again
wait_ready 300
stop_daemon
python3 "$source/tests/proof/redis_state.py" "$redis" hec again || fail "the state is another"
[ "$took" -le $((within * 1000)) ] || fail "it took longer than $within s"
