#!/bin/bash
# hecated from its start to its end, over a real broker and a real Redis: it gets ready and says so
# to systemd, answers its probes, scores, alerts, sets aside; drains on SIGTERM, goes on where it
# was, and leaves at once when told twice.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon_lib.sh"
need kcat curl python3 jq promtool
start_broker
start_redis
make_bank
make_topics 2
write_config
total=$(wc -l <"$events")
half=$((total / 2))
head -n "$half" "$events" >"$scratch/first"
tail -n +"$((half + 1))" "$events" >"$scratch/second"

# What hecate score writes a row for is what the score topic has to have, once each.
scored() {
    grep -cE '"event_type":"(card_auth|transfer|login|account_change)"' "$@"
}

expect_scores() {
    read_topic scores | jq -r .event_id | sort >"$scratch/ids"
    [ "$(wc -l <"$scratch/ids")" = "$1" ] ||
        fail "$(wc -l <"$scratch/ids") scores instead of $1 $2"
    [ "$(uniq -d "$scratch/ids" | wc -l)" = 0 ] || fail "events were scored twice $2"
}

counts() {
    [ "$(metric "$1")" -gt 0 ]
}

# ---- It gets ready, and says so
python3 "$source/tests/integration/notify.py" "$scratch/notify.sock" >"$scratch/notify" &
later $!
wait_for 5 test -S "$scratch/notify.sock"
produce "$scratch/first"
printf 'u1\tnot json\nu2\t%s\n' "$(grep -m1 card_auth "$events")" |
    kcat -P -b "$broker" -t events -K '	' -X partitioner=murmur2_random
printf 'u3\t\n' | kcat -P -b "$broker" -t events -K '	' -Z -X partitioner=murmur2_random
(
    export NOTIFY_SOCKET=$scratch/notify.sock WATCHDOG_USEC=1000000
    exec "$hecated" -c "$scratch/hecate.conf"
) >"$scratch/log" 2>&1 &
daemon=$!
later "$daemon"
wait_ready
wait_for 5 grep -q READY=1 "$scratch/notify"

# ---- It answers
wait_done $((half + 3))
[ "$(curl -s "http://$http/livez")" = live ] || curl -sf "http://$http/livez" >/dev/null ||
    fail "/livez does not answer"
curl -sf "http://$http/readyz?verbose" >"$scratch/readyz" || fail "/readyz says no"
for part in kafka group redis state model; do
    grep -q "ok.*$part" "$scratch/readyz" || fail "/readyz?verbose has no good $part"
done
curl -sf "http://$http/metrics" >"$scratch/metrics"
promtool check metrics <"$scratch/metrics" >"$scratch/promtool" 2>&1 ||
    fail "promtool does not like /metrics: $(cat "$scratch/promtool")"
"$hecate" monitoring rules >"$scratch/rules.yml"
"$hecate" monitoring grafana >"$scratch/dashboard.json"
python3 "$source/tests/integration/dashboard.py" --names "$scratch/metrics" "$scratch/rules.yml" \
    "$scratch/dashboard.json" || exit 1
[ "$(metric 'hecate_dead_letters_total')" = 3 ] || fail "three records had to be set aside"
for series in hecate_last_checkpoint_timestamp_seconds hecate_kafka_last_commit_timestamp_seconds \
    hecate_labels_received_total 'hecate_stage_duration_seconds_count{stage="commit"}' \
    hecate_alerts_total hecate_model_info hecate_redis_connected; do
    wait_for 5 counts "$series"
done
! grep -E '_(sum|count)[ {].* -' "$scratch/metrics" || fail "a sum ran over"
expect_scores "$(scored "$scratch/first")" "after the first half"
read_topic alerts >"$scratch/alerts"
[ -s "$scratch/alerts" ] || fail "there are no alerts"
read_topic dead -f '%h\n' >"$scratch/dead"
[ "$(sort "$scratch/dead" | grep -oE 'code=[a-z_0-9]+' | sort | tr '\n' ' ')" = \
    'code=key_mismatch code=not_json code=null_value ' ] || fail "the dead letters are not the three"

# ---- What it writes is what its schemas say
for what in alert:alerts score:scores; do
    status=0
    read_topic "${what#*:}" | /usr/bin/python3 "$source/tests/integration/schemas.py" \
        "$source/conf/schema/${what%:*}.schema.json" >"$scratch/valid" || status=$?
    [ "$status" != 77 ] || echo "not validated: $(cat "$scratch/valid")"
    [ "$status" = 0 ] || [ "$status" = 77 ] || fail "$what: $(cat "$scratch/valid")"
done
status=0
/usr/bin/python3 "$source/tests/integration/schemas.py" \
    "$source/conf/schema/dead-letter.schema.json" --headers <"$scratch/dead" >"$scratch/valid" || status=$?
[ "$status" = 0 ] || [ "$status" = 77 ] || fail "dead letters: $(cat "$scratch/valid")"

# ---- It drains
wait_for 5 grep -q WATCHDOG=1 "$scratch/notify"
wait_for 10 grep -q '^STATUS=scoring' "$scratch/notify"
stop_daemon
grep -q STOPPING=1 "$scratch/notify" || fail "systemd was not told of the stop"
[ "$(committed)" = $((half + 3)) ] || fail "$(committed) of $((half + 3)) records are committed"
! grep -v 'librdkafka' "$scratch/log" | grep -E 'level=(error|warn)' || fail "it complained"

# ---- It goes on where it was; after a kill -9 too, with the state that Redis does not have yet
produce "$scratch/second"
start_daemon --set state.checkpoint_interval_ms=600000
wait_ready
[ "$(metric hecate_events_replayed_total)" = 0 ] || fail "a drained daemon had to replay"
[ "$(metric 'hecate_state_rebuilds_total')" = 0 ] || fail "a drained daemon had to rebuild"
wait_done $((total - half))
expect_scores "$(scored "$events")" "after the second half"
kill -9 "$daemon"
wait "$daemon" 2>/dev/null || true
start_daemon --set state.checkpoint_interval_ms=600000
wait_ready 60
[ "$(metric hecate_events_replayed_total)" -gt 0 ] || fail "nothing was replayed after kill -9"
expect_scores "$(scored "$events")" "after a replay"

# ---- Told twice, it leaves at once, whatever the broker does
has_taken() {
    [ "$(metric hecate_events_consumed_total)" -ge "$1" ]
}

# The commit that it owes cannot be made while the broker hangs.
hang_with_open_work() {
    start_daemon --set output.commit_interval_ms=5000 "$@"
    wait_ready 60
    produce "$scratch/few"
    wait_for 30 has_taken 20
    "$support/broker.sh" pause "$scratch/broker"
    kill -TERM "$daemon"
    sleep 0.5
}

gone_within() {
    local asked=$SECONDS
    wait "$daemon" 2>/dev/null && fail "it says that it finished what it cannot have finished"
    [ $((SECONDS - asked)) -le "$1" ] || fail "it took $((SECONDS - asked)) s to leave"
    "$support/broker.sh" resume "$scratch/broker"
}

kill -9 "$daemon"
wait "$daemon" 2>/dev/null || true
head -n 20 "$events" | sed 's/"event_id":"/&again-/' >"$scratch/few"
hang_with_open_work
kill -TERM "$daemon"
gone_within 8 # far below the time that it may take to drain

# ---- Told once, it leaves when its time is up
hang_with_open_work --set hecate.drain_timeout_ms=2000
gone_within 15

# ---- And nothing of that was lost or said twice
start_daemon
wait_ready 60
wait_for 20 is_done 0

# ---- A day of other amounts is told as drift
[ "$(curl -sf "http://$http/metrics" | grep -c '^hecate_score_drift_psi{head=.* NaN$')" = 3 ] ||
    fail "drift is told before there is anything to tell"
grep -E '"event_type":"(card_auth|transfer)"' "$events" | head -n 9000 | jq -c --argjson from \
    "$(tail -n 1 "$events" | jq '.event_time_ms + 86400000')" '.event_id = "drift-" + .event_id |
    .event_time_ms = $from + input_line_number * 500 | .amount_minor *= 50' >"$scratch/moved"
produce "$scratch/moved"
wait_done "$(wc -l <"$scratch/moved")"
curl -sf "http://$http/metrics" >"$scratch/metrics"
awk '/^hecate_feature_drift_psi{feature="amount"}/ && $2 > 0.25 { features++ }
    /^hecate_score_drift_psi/ && $2 > 0 { heads++ }
    END { exit features != 1 || heads < 2 }' "$scratch/metrics" ||
    fail "drift is not seen: $(grep -E '_drift_psi.*(amount|head=)' "$scratch/metrics")"
stop_daemon
read_topic scores | jq -r .event_id | sort | uniq -d >"$scratch/twice"
[ "$(grep -vc '^again-' "$scratch/twice")" = 0 ] || fail "events were scored twice in the end"
