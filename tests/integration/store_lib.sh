# Sourced after daemon_lib.sh by the tests of Redis in all its moods: a stream in slices, one for each
# mood, and at the end a judge who knows what should have come out.
#
#   begin_stream PARTITIONS    bank, model and topics; the slices are of $events
#   slice                      sends the next one: $sent counts the events sent
#   wait_scored                until all that was sent is scored, whatever Redis does: C goes on
#   wait_stored                until Redis has the state of all of it: W is C
#   restart_daemon             SIGTERM, and a new process with an empty cache
#   judge PARTITIONS           every event once, features as an undisturbed run has them (or flagged)
#   logged EVENT               the log has it since the last call of forget_log
#   redis_says ARGS...         redis-cli against the one in $scratch/redis
slices=${SLICES:-14}

begin_stream() {
    make_bank "${USERS:-150}" 40
    make_topics "$1"
    lines=$(wc -l <"$events") sent=0 base=0
}

slice() {
    local from=$((sent + 1))
    sent=$((sent + lines / slices))
    sed -n "$from,${sent}p" "$events" >"$scratch/part"
    produce "$scratch/part"
}

all_scored() { [ "$(metric hecate_events_processed_total)" -ge $((sent - base)) ]; }
wait_scored() { wait_for "${1:-20}" all_scored; }

all_stored() {
    [ "$(metric hecate_redis_connected)" = 1 ] && [ "$(metric hecate_checkpoint_lag_records)" = 0 ] &&
        [ "$(metric 'hecate_degraded.*rebuilding')" = 0 ]
}
wait_stored() {
    wait_scored "$@"
    wait_for "${1:-20}" all_stored
    sleep 0.4 # the gauges are of a moment ago: once more, when they know of the last batch
    wait_for "${1:-20}" all_stored
}

restart_daemon() {
    stop_daemon
    base=$sent
    run_daemon
}

run_daemon() {
    start_daemon --set output.score_features=true --set state.checkpoint_interval_ms=200
    wait_ready
}

forget_log() { log_from=$(($(wc -l <"$scratch/log") + 1)); }
logged() { tail -n "+${log_from:-1}" "$scratch/log" | grep -q "event=$1 "; }

is_away() { [ "$(metric hecate_redis_connected)" = 0 ]; }
is_connected() { [ "$(metric hecate_redis_connected)" = 1 ]; }
is_frozen() { [ "$(metric hecate_checkpoint_lag_records)" -gt 0 ]; }

redis_says() { "$support/redis.sh" cli "$scratch/redis" "$@"; }

judge() {
    head -n "$sent" "$events" >"$scratch/sent"
    read_topic scores >"$scratch/live"
    "$hecate" score --model "$model" --data "$scratch/sent" --out "$scratch/scores.csv" 2>/dev/null
    "$hecate" features --features "$features" --data "$scratch/sent" --out "$scratch/features.csv" \
        2>/dev/null
    DEGRADED_MAX=0.2 python3 "$source/tests/proof/parity.py" "$1" "$scratch/live" "$scratch/scores.csv" \
        "$scratch/features.csv" "$(read_topic dead | wc -l)" || fail "the outcome is another"
}
