#!/bin/bash
# Sourced by the proofs of faults: servers, daemons, a steady sender, and the judge.
#
#   prepare PARTITIONS [BROKER_SETTING...]   a broker, topics, a Redis ($redis_args), a small bank
#   configure INSTANCE                       writes $scratch/INSTANCE.conf
#   run INSTANCE [ARG...]                    starts a daemon: sets $daemon; its log is INSTANCE.log
#   send FROM TO / send_part N OF            lines of the events; sets $sent
#   await SECONDS                            until all that was sent is committed
#   judge PARTITIONS                         every scored event once, as the offline twin has it
#
# The judge is parity.py over what a careful reader sees (read_committed). FAULTS_BANK is a folder
# that keeps the bank and its model between rows. DEGRADED_MAX=SHARE before judge: of rows that may
# say they are degraded (default none). SEED makes the moments repeat.
. "$(dirname "${BASH_SOURCE[0]}")/../integration/lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../integration/daemon_lib.sh"
RANDOM=${SEED:-7}
need kcat curl python3 jq

configure() { # INSTANCE
    write_config
    sed -i -e "s|instance = test|instance = $1|" -e "s|admin\.sock|$1.sock|" "$scratch/hecate.conf"
    mv "$scratch/hecate.conf" "$scratch/$1.conf"
}

run() { # INSTANCE [--set ...]: sets $daemon; its log grows
    "$hecated" -c "$scratch/$1.conf" --set output.score_features=true \
        --set "output.overlap=${OVERLAP:-false}" --set state.checkpoint_interval_ms=200 "${@:2}" \
        >>"$scratch/$1.log" 2>&1 &
    daemon=$!
    later "$daemon"
}

now_ms() { date +%s%3N; }

await() { # SECONDS: until all that was sent is committed
    local end=$((SECONDS + $1))
    until [ "$(committed)" -ge "$sent" ]; do
        [ "$SECONDS" -lt "$end" ] || fail "$(committed) of $sent committed: $(tail -n 3 "$scratch"/*.log)"
        sleep 0.5
    done
}

send() { # FROM TO: lines of the events
    sed -n "$1,$2p" "$events" >"$scratch/part"
    produce "$scratch/part"
    sent=$2
}

judge() { # PARTITIONS
    head -n "$sent" "$events" >"$scratch/sent"
    read_topic scores >"$scratch/live"
    "$hecate" score --model "$model" --data "$scratch/sent" --out "$scratch/scores.csv" 2>/dev/null
    "$hecate" features --features "$features" --data "$scratch/sent" --out "$scratch/features.csv" \
        2>/dev/null
    python3 "$source/tests/proof/parity.py" "$1" "$scratch/live" "$scratch/scores.csv" \
        "$scratch/features.csv" "$(read_topic dead | wc -l)" >"$scratch/judged" || {
        cat "$scratch/judged"
        fail "the outcome is another"
    }
}

# The broker makes topics as they are asked for: a Kafka tool needs seconds for each.
prepare() { # PARTITIONS [BROKER_SETTING...]
    export BROKER_SETTINGS="auto.create.topics.enable=true num.partitions=$1 log.retention.ms=-1 ${*:2}"
    start_broker
    start_redis ${redis_args[@]+"${redis_args[@]}"} --appendonly yes
    if [ -n "${FAULTS_BANK:-}" ] && [ -f "$FAULTS_BANK/model" ]; then
        events=$FAULTS_BANK/events model=$FAULTS_BANK/model
    else
        make_bank 250 40
        if [ -n "${FAULTS_BANK:-}" ]; then
            cp "$events" "$FAULTS_BANK/events"
            cp "$model" "$FAULTS_BANK/model"
        fi
    fi
    lines=$(wc -l <"$events") sent=0
    for topic in events alerts scores dead; do
        wait_for 30 has_topic "$topic"
    done
}

has_topic() { kcat -L -b "$broker" -t "$1" | grep -q "with [1-9]"; }

# As far as the group is; without the seconds that a Kafka tool takes.
committed() {
    "$hecate" offsets show --config "$scratch/$(ls "$scratch" | grep -m 1 'conf$')" 2>/dev/null |
        awk 'NR > 1 { sum += $4 } END { print sum + 0 }'
}

send_part() { # N OF: up to so large a part of all
    send $((sent + 1)) $((lines * $1 / $2))
}

says() { # INSTANCE REGEX: in its log
    grep -qE "$2" "$scratch/$1.log"
}

ended() { ! kill -0 "$1" 2>/dev/null; }

# How a daemon ended that has to end by itself: sets $status.
await_end() { # PID SECONDS
    wait_for "$2" ended "$1"
    status=0
    wait "$1" || status=$?
}

finish() { # PID: SIGTERM, and a good end
    kill -TERM "$1" && wait "$1" || fail "it ended with $?: $(tail -n 3 "$scratch"/*.log)"
}

http_of() { # INSTANCE: sets $http, of its latest life
    http=$(sed -n 's/.*event=listening.*address="\{0,1\}\([0-9.:]*\).*/\1/p' "$scratch/$1.log" | tail -1)
}

is_stored() {
    [ "$(metric hecate_redis_connected)" = 1 ] && [ "$(metric hecate_checkpoint_lag_records)" = 0 ]
}

cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
