# Sourced after lib.sh by the tests that run hecated: settings, topics, and questions to it.
#
#   $features                  the schema in use: the shipped one, if nobody sets another
#   make_bank                  writes $events (NDJSON) and $model: a small bank and its model
#   make_topics PARTITIONS     events, alerts, scores, dead on $broker
#   write_config                 writes $scratch/hecate.conf
#   start_daemon [ARG...]      runs hecated in the background: sets $daemon; log in $scratch/log
#   wait_ready                 until it says ready
#   stop_daemon                SIGTERM; it has to end well
#   metric REGEX               sum of the series whose line matches (hecate_... as in /metrics)
#   produce FILE               puts events on the input topic, key = user, partitions as Java does
#   wait_done N                until the scored, silent and refused records add up to N and the lag
#                              is gone
#   read_topic TOPIC           what a careful reader sees (read_committed), one value a line
#   committed                  sum of the group's committed offsets
http=
features=$source/conf/features.conf

make_bank() {
    events=$scratch/events.ndjson model=$scratch/model.safetensors
    "$hecate" gen --users "${1:-120}" --days "${2:-40}" --seed 7 --out "$events" 2>/dev/null
    "$hecate" train --data "$events" --out "$model" --train-from 2025-01-13 \
        --train-to 2025-02-05 --features "$features" >"$scratch/train.log" 2>&1 ||
        fail "no model: $(tail -1 "$scratch/train.log")"
}

make_topics() {
    "$support/broker.sh" topic "$scratch/broker" events "$1" retention.ms=-1
    for topic in alerts scores dead; do
        "$support/broker.sh" topic "$scratch/broker" "$topic" 1 retention.ms=-1
    done
}

write_config() {
    printf '%s:%s-token-0123456789\n' viewer viewer analyst analyst operator operator \
        >"$scratch/tokens"
    chmod 600 "$scratch/tokens"
    cat >"$scratch/hecate.conf" <<-END
	hecate { instance = test }
	kafka { bootstrap.servers = "$broker" }
	input { topic = events group = test }
	output { alert_topic = alerts score_topic = scores dead_letter_topic = dead }
	state { redis_address = "unix:$redis" }
	features { schema_file = "$features" }
	model { file = "$model" }
	admin { listen = "127.0.0.1:0" socket = "$scratch/admin.sock" tokens_file = "$scratch/tokens" }
	END
    printf '%s\n' "$@" >>"$scratch/hecate.conf"
}

start_daemon() {
    : >"$scratch/log"
    "$hecated" -c "$scratch/hecate.conf" "$@" >>"$scratch/log" 2>&1 &
    daemon=$!
    later "$daemon"
}

wait_ready() {
    local end=$((SECONDS + ${1:-30}))
    until grep -q 'event=ready' "$scratch/log"; do
        kill -0 "$daemon" 2>/dev/null || fail "hecated ended: $(tail -3 "$scratch/log")"
        [ "$SECONDS" -lt "$end" ] || fail "hecated is not ready: $(tail -3 "$scratch/log")"
        sleep 0.1
    done
    http=$(sed -n 's/.*event=listening.*address="\{0,1\}\([0-9.:]*\).*/\1/p' "$scratch/log")
    [ -n "$http" ] || fail "hecated does not say where it listens: $(cat "$scratch/log")"
}

stop_daemon() {
    kill -TERM "$daemon"
    wait "$daemon" || fail "hecated ended with status $?: $(tail -5 "$scratch/log")"
    cat "$scratch/log" >>"$scratch/logs"
}

metric() {
    curl -sf "http://$http/metrics" |
        awk -v re="^$1" '$0 ~ re { sum += $NF } END { printf "%.0f\n", sum }'
}

produce() {
    python3 "$source/tests/proof/keyed.py" "$1" |
        kcat -P -b "$broker" -t events -K '	' -X linger.ms=20 -X partitioner=murmur2_random \
            -X queue.buffering.max.messages=1000000 -X compression.codec=lz4
}

is_done() {
    [ "$(metric hecate_events_processed_total)" -ge "$1" ] &&
        [ "$(metric hecate_kafka_consumer_lag_records)" = 0 ]
}

wait_done() {
    local end=$((SECONDS + ${2:-60}))
    until is_done "$1"; do
        kill -0 "$daemon" 2>/dev/null || fail "hecated ended: $(tail -3 "$scratch/log")"
        [ "$SECONDS" -lt "$end" ] ||
            fail "$(metric hecate_events_processed_total) of $1 done: $(tail -3 "$scratch/log")"
        sleep 0.2
    done
}

read_topic() {
    kcat -C -q -b "$broker" -t "$1" -o beginning -e -X isolation.level=read_committed "${@:2}"
}

committed() {
    "$support/broker.sh" tool "$scratch/broker" consumer.group.ConsumerGroupCommand \
        --describe --group "${1:-test}" 2>/dev/null |
        awk '$2 == "events" { sum += $4 } END { print sum + 0 }'
}
