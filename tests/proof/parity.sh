#!/bin/bash
# Live equals offline, and exactly once: a file of events goes through hecated over a real broker,
# and what the score topic says (read_committed) is held against `hecate score` and `hecate
# features` of the same file.
#
#   parity.sh EVENTS MODEL FEATURES.conf PARTITIONS FAULT
#
# FAULT is none, kill (kill -9 of the daemon at ten random moments) or flush (kill -9, then FLUSHALL
# of Redis while the daemon is down, then again). SEED makes the moments repeat.
. "$(dirname "$0")/../integration/lib.sh"
[ $# -eq 5 ] || fail "usage: $(sed -n '6s/^# *//p' "$0")"
events=$1 model=$2 features=$3 partitions=$4 fault=$5
RANDOM=${SEED:-7}
need kcat jq python3

start_broker
start_redis
for topic in "events $partitions" "alerts 1" "scores 1" "dead 1"; do
    "$support/broker.sh" topic "$scratch/broker" $topic >/dev/null
done
cat >"$scratch/hecate.conf" <<END
hecate { instance = parity engines = 1 }
kafka { bootstrap.servers = "$broker" }
input { topic = events group = parity }
output { alert_topic = alerts score_topic = scores score_sample_ratio = 1 dead_letter_topic = dead
         score_features = true }
state { redis_address = "unix:$redis" checkpoint_interval_ms = 200 shared_refresh_ms = 1000 }
features { schema_file = "$features" }
model { file = "$model" }
admin { listen = "127.0.0.1:0" }
END

start_daemon() {
    "$hecated" -c "$scratch/hecate.conf" 2>>"$scratch/hecated.log" &
    daemon=$!
    later "$daemon"
}

committed() {
    "$support/broker.sh" tool "$scratch/broker" consumer.group.ConsumerGroupCommand \
        --describe --group parity 2>/dev/null | awk '$2 == "events" { sum += $4 } END { print sum + 0 }'
}

# The daemon's own word, from the score topic: cheap enough to ask often.
total=$(wc -l <"$events")
echo "producing $total records to $partitions partition(s)"
python3 "$source/tests/proof/keyed.py" "$events" |
    kcat -P -b "$broker" -t events -K '	' -X linger.ms=50 -X queue.buffering.max.messages=500000 \
        -X partitioner=murmur2_random
start_daemon
echo "daemon started, fault: $fault"

if [ "$fault" != none ]; then
    for round in 1 2 3 4 5 6 7 8 9 10; do
        sleep "$((RANDOM % 3)).$((RANDOM % 9 + 1))"
        kill -9 "$daemon"
        wait "$daemon" 2>/dev/null || true
        [ "$fault" != flush ] || "$support/redis.sh" cli "$scratch/redis" FLUSHALL >/dev/null
        echo "killed, round $round, committed $(committed) of $total"
        start_daemon
    done
fi

deadline=$((SECONDS + 300))
until [ "$(committed)" -ge "$total" ]; do
    kill -0 "$daemon" 2>/dev/null || { tail -5 "$scratch/hecated.log" >&2; fail "the daemon is gone"; }
    [ "$SECONDS" -lt "$deadline" ] || { tail -5 "$scratch/hecated.log" >&2; fail "committed $(committed) of $total after 300 s"; }
    sleep 1
done
kill -TERM "$daemon"
wait "$daemon" || fail "the daemon ended with status $?"

kcat -C -q -b "$broker" -t scores -o beginning -e -X isolation.level=read_committed >"$scratch/live.ndjson"
kcat -C -q -b "$broker" -t dead -o beginning -e -X isolation.level=read_committed >"$scratch/dead.ndjson"
"$hecate" score --model "$model" --data "$events" --out "$scratch/offline.csv"
"$hecate" features --features "$features" --data "$events" --out "$scratch/features.csv"
python3 "$source/tests/proof/parity.py" "$partitions" "$scratch/live.ndjson" "$scratch/offline.csv" \
    "$scratch/features.csv" "$(wc -l <"$scratch/dead.ndjson")"
