#!/bin/bash
# Live equals offline, and exactly once: a file of events goes through hecated over a real broker,
# and what the score topic says (read_committed) is held against `hecate score` and `hecate
# features` of the same file.
#
#   parity.sh EVENTS MODEL FEATURES.conf PARTITIONS FAULT
#
# FAULT is none, kill (kill -9 of the daemon at ten random moments), flush (kill -9, then FLUSHALL of
# Redis while the daemon is down, then again) or empty (FLUSHALL under the daemon at work, which
# then begins again from the log). SEED makes the moments repeat; OVERLAP=true sets output.overlap.
. "$(dirname "$0")/../integration/lib.sh"
[ $# -eq 5 ] || fail "usage: $(sed -n '6s/^# *//p' "$0")"
events=$1 model=$2 features=$3 partitions=$4 fault=$5
RANDOM=${SEED:-7}
need kcat jq python3

ROUNDS=${ROUNDS:-10}
start_broker
start_redis
for topic in "events $partitions" "alerts 1" "scores 1" "dead 1"; do
    "$support/broker.sh" topic "$scratch/broker" $topic retention.ms=-1
done
cat >"$scratch/hecate.conf" <<END
hecate { instance = parity engines = 1 }
kafka { bootstrap.servers = "$broker" }
input { topic = events group = parity }
output { alert_topic = alerts score_topic = scores score_sample_ratio = 1 dead_letter_topic = dead
         score_features = true overlap = ${OVERLAP:-false} }
state { redis_address = "unix:$redis" checkpoint_interval_ms = 200 shared_refresh_ms = 1000 }
features { schema_file = "$features" }
model { file = "$model" }
admin { listen = "127.0.0.1:0" }
END

# The broker's word on how far the group is: the lag of a reader that takes no part in it.
committed() {
    "$support/broker.sh" tool "$scratch/broker" consumer.group.ConsumerGroupCommand \
        --describe --group parity 2>/dev/null |
        awk '$2 == "events" { sum += $4 } END { print sum + 0 }'
}

start_daemon() {
    "$hecated" -c "$scratch/hecate.conf" 2>>"$scratch/hecated.log" &
    daemon=$!
    later "$daemon"
}

produce() {
    python3 "$source/tests/proof/keyed.py" "$1" |
        kcat -P -b "$broker" -t events -K '	' -X linger.ms=50 -X partitioner=murmur2_random \
            -X queue.buffering.max.messages=500000
}

# With faults the input comes in as many parts as there are faults, so that each kill meets the
# daemon at work: somewhere in the replay, in the part's events, or idle behind them.
total=$(wc -l <"$events")
start_daemon
if [ "$fault" = none ]; then
    produce "$events"
else
    split -n "l/$ROUNDS" -a 3 "$events" "$scratch/part."
    for part in "$scratch"/part.*; do
        if [ "$fault" = empty ]; then
            produce "$part" &
            sleep "0.$((RANDOM % 9 + 1))"
            "$support/redis.sh" cli "$scratch/redis" FLUSHALL >/dev/null
            wait $!
            continue
        fi
        produce "$part"
        sleep "$((RANDOM % 2)).$((RANDOM % 9 + 1))"
        kill -9 "$daemon"
        wait "$daemon" 2>/dev/null || true
        [ "$fault" != flush ] || "$support/redis.sh" cli "$scratch/redis" FLUSHALL >/dev/null
        start_daemon
    done 2>/dev/null
fi

deadline=$((SECONDS + 300))
until [ "$(committed)" -ge "$total" ]; do
    kill -0 "$daemon" 2>/dev/null || fail "the daemon is gone: $(tail -3 "$scratch/hecated.log")"
    [ "$SECONDS" -lt "$deadline" ] || fail "committed $(committed) of $total after 300 s:" \
        "$(tail -5 "$scratch/hecated.log")"
    sleep 1
done
kill -TERM "$daemon"
wait "$daemon" || fail "the daemon ended with status $?"

read_all() {
    kcat -C -q -b "$broker" -t "$1" -o beginning -e -X isolation.level=read_committed
}
read_all scores >"$scratch/live.ndjson"
read_all dead >"$scratch/dead.ndjson"
"$hecate" score --model "$model" --data "$events" \
    --out "$scratch/offline.csv" 2>/dev/null
"$hecate" features --features "$features" --data "$events" --out "$scratch/features.csv" 2>/dev/null
echo "$partitions partition(s), fault $fault: $(grep -c 'event=assigned' "$scratch/hecated.log")" \
    "starts, $(grep -c 'event=state_rebuild' "$scratch/hecated.log") rebuilds;" \
    "others' shards are seen as of at most 1000 ms ago (shared_refresh_ms)"
python3 "$source/tests/proof/parity.py" "$partitions" "$scratch/live.ndjson" \
    "$scratch/offline.csv" "$scratch/features.csv" "$(wc -l <"$scratch/dead.ndjson")"
