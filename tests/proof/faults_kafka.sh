#!/bin/bash
# Faults of Kafka, one row of the table each; see faults_lib.sh and faults_table.sh.
#
#   faults_kafka.sh f9|f10|f11|f12|f13|f14|f15|f16 [AMOUNT]
#
# The last line is the figure. Exit status 0: the row passes.
. "$(dirname "$0")/faults_lib.sh"
row=${1:-} amount=${2:-}

first_output_after() { # COUNT SECONDS: until there are more scores than that; prints the ms it took
    local began
    began=$(now_ms)
    more_scores() { [ "$(read_topic scores | wc -l)" -gt "$before" ]; }
    before=$1
    wait_for "$2" more_scores
    took=$(($(now_ms) - began))
}

# kill -9 of the broker under load, and back.
f9() {
    prepare 2
    configure test
    run test
    send_part 1 3
    sleep 1 # in the middle of it
    "$support/broker.sh" kill "$scratch/broker"
    sleep "${amount:-5}"
    start_broker
    local seen
    seen=$(read_topic scores | wc -l)
    send_part 2 3
    first_output_after "$seen" 60
    [ "$took" -le 10000 ] || fail "first new output only after $took ms"
    await 90
    send_part 3 3
    await 90
    finish "$daemon"
    judge 2
    echo "broker killed for ${amount:-5} s: first new committed output $took ms after it was back; $sent events, each once"
}

# A broker that takes connections and says nothing.
f10() {
    local seconds=${amount:-60} before_ticks share began
    prepare 2
    configure test
    run test --set hecate.drain_timeout_ms=9000
    send_part 1 2
    await 60
    send_part 3 5
    "$support/broker.sh" pause "$scratch/broker"
    before_ticks=$(cpu_ticks "$daemon")
    sleep "$seconds"
    kill -0 "$daemon" || fail "it ended: $(tail -3 "$scratch/test.log")"
    share=$((($(cpu_ticks "$daemon") - before_ticks) * 100 / $(getconf CLK_TCK) / seconds))
    [ "$share" -lt 20 ] || fail "it took $share % of a core while the broker was silent"
    "$support/broker.sh" resume "$scratch/broker"
    # A static member whose JoinGroup was answered into the void is fenced by its own second one, and
    # the library calls that fatal: then it ends, and a service manager starts it again.
    local falls=0
    for _ in $(seq 10); do
        sleep 1
        if ended "$daemon"; then
            falls=$((falls + 1))
            run test --set hecate.drain_timeout_ms=9000
        fi
    done
    [ "$falls" -le 1 ] || fail "it fell $falls times after the broker was back"
    send_part 5 5
    await 120
    "$support/broker.sh" pause "$scratch/broker"
    sleep 2
    began=$(now_ms)
    kill -TERM "$daemon"
    await_end "$daemon" 30
    local left=$(($(now_ms) - began))
    "$support/broker.sh" resume "$scratch/broker"
    [ "$left" -le 10500 ] || fail "SIGTERM without a broker took $left ms"
    sleep 2
    judge 2
    echo "silent for $seconds s: $share % of a core, ended by itself $falls times when it was back; SIGTERM without a broker: $left ms, status $status; $sent events, each once"
}

# Every piece 200 ms late, each way. The proxy needs the broker's port and the broker the proxy's before either runs.
f11() {
    local port own began quick slow
    port=$("$support/free_port.sh") own=$("$support/free_port.sh" 2)
    : >"$scratch/control"
    python3 "$support/proxy.py" "$port" "127.0.0.1:$own" "$scratch/control" >"$scratch/proxy.log" 2>&1 &
    later $!
    mkdir -p "$scratch/broker"
    echo "$own" >"$scratch/broker/port"
    prepare 2 "advertised.listeners=PLAINTEXT://127.0.0.1:$port"
    configure test
    run test
    began=$(now_ms)
    send_part 1 4
    await 60
    quick=$(($(now_ms) - began))
    echo "delay ${amount:-200}" >"$scratch/control"
    began=$(now_ms)
    send_part 2 4
    await 240
    slow=$(($(now_ms) - began))
    kill -0 "$daemon" || fail "it ended: $(tail -3 "$scratch/test.log")"
    : >"$scratch/control"
    send_part 4 4
    await 60
    finish "$daemon"
    judge 2
    ! says test 'event=engine_stopped' || fail "an engine fell over a slow broker"
    echo "+${amount:-200} ms each way: a quarter of the events in $slow ms instead of $quick; $sent events, each once"
}

# A topic that was deleted and made again under a daemon, and under one that is down.
f12() {
    prepare 2
    configure test
    run test
    send_part 1 3
    await 60
    "$support/broker.sh" delete "$scratch/broker" events
    sleep 3
    wait_for 30 has_topic events
    local first_scores
    first_scores=$(read_topic scores | wc -l)
    produce <(head -n 200 "$events")
    sleep 20
    local while_running=alive
    ! ended "$daemon" || while_running=ended
    local told
    told=$(($(read_topic scores | wc -l) - first_scores))
    kill -TERM "$daemon" 2>/dev/null || true
    await_end "$daemon" 20
    run test
    await_end "$daemon" 60
    [ "$status" != 0 ] || fail "it starts on a topic made anew"
    grep -oE 'topic events, partition [0-9]+ ends at offset [^"]*|the stored state is at offset [^"]*' "$scratch/test.log" |
        tail -1 >"$scratch/said" || true
    [ -s "$scratch/said" ] || fail "it does not say why: $(tail -2 "$scratch/test.log")"
    echo "running: $while_running, $told outputs of the new topic; a start is refused with status $status: $(head -c 120 "$scratch/said")"
}

# More partitions under a running daemon.
f13() {
    prepare 2
    configure test
    run test --set kafka.topic.metadata.refresh.interval.ms=1000
    send_part 1 3
    await 60
    "$support/broker.sh" tool "$scratch/broker" TopicCommand --alter --topic events --partitions 3 >/dev/null
    await_end "$daemon" 60
    [ "$status" != 0 ] || fail "it ended well"
    says test 'keys have moved between partitions' || fail "it does not say why: $(tail -2 "$scratch/test.log")"
    local running=$status
    run test
    await_end "$daemon" 60
    [ "$status" = 78 ] || fail "a start ends with $status, not 78"
    echo "running: ended with $running; a start: refused with 78; the sentence names both counts"
}

# An operator's own tool moves the group.
group() {
    "$support/broker.sh" tool "$scratch/broker" consumer.group.ConsumerGroupCommand --group test "$@"
}
f14() {
    prepare 2
    configure test
    run test
    send_part 1 2
    await 60
    finish "$daemon"
    group --reset-offsets --topic events --to-earliest --execute >/dev/null
    run test
    await_end "$daemon" 60
    [ "$status" != 0 ] || fail "it goes on"
    says test 'somebody moved the group back' || fail "it does not say why: $(tail -2 "$scratch/test.log")"
    local back=$status
    group --reset-offsets --topic events --to-latest --execute >/dev/null
    run test
    send_part 2 2
    await 60
    finish "$daemon"
    judge 2
    echo "back: refused with $back and a sentence; forward again: $sent events, each once"
}

# The group is forgotten, the state is not.
f15() {
    prepare 2
    configure test
    run test
    send_part 1 2
    await 60
    finish "$daemon"
    group --delete >/dev/null
    run test
    await_end "$daemon" 60
    [ "$status" != 0 ] || fail "it begins at 0, without a word"
    says test 'moved the group back|has no committed offset' ||
        fail "it does not say why: $(tail -2 "$scratch/test.log")"
    local refused=$status at
    "$hecate" offsets reset --to-latest --execute --config "$scratch/test.conf" >"$scratch/said" ||
        fail "offsets reset: $(cat "$scratch/said")"
    run test
    send_part 2 2
    await 60
    finish "$daemon"
    judge 2
    echo "refused with $refused; after hecate offsets reset --to-latest: $sent events, each once"
}

# Retention passes what is stored while nobody runs.
f16() {
    prepare 1
    configure test
    run test
    send_part 1 3
    await 60
    finish "$daemon"
    send_part 2 3
    local cut=$((lines / 3 + 500))
    printf '{"partitions":[{"topic":"events","partition":0,"offset":%d}],"version":1}' "$cut" >"$scratch/cut"
    "$support/broker.sh" tool "$scratch/broker" DeleteRecordsCommand --offset-json-file "$scratch/cut" >/dev/null
    run test
    await 60
    says test 'event=events_lost' || fail "lost events are not told: $(tail -3 "$scratch/test.log")"
    says test 'event=history_gap' || fail "the gap in the state is not told: $(tail -3 "$scratch/test.log")"
    finish "$daemon"
    echo "retention took 500 unread events: events_lost and history_gap are logged with both offsets"
}

case $row in
f9 | f10 | f11 | f12 | f13 | f14 | f15 | f16) "$row" ;;
*) fail "usage: $(sed -n 4p "$0")" ;;
esac
