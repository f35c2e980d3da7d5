#!/bin/bash
# Faults of the process and its machine, one row of the table each; see faults_lib.sh and
# faults_table.sh.
#
#   faults_process.sh f4|f5|f28|f32|f33 [AMOUNT]
#
# The last line is the figure. Exit status 0: the row passes.
. "$(dirname "$0")/faults_lib.sh"
row=${1:-} amount=${2:-}

# Slices at a steady pace, in the background: sets $sender; the last line sent is in $scratch/sent_to.
send_steadily() { # SECONDS
    local step=$(((lines - sent) / $1)) from=$sent
    (
        for i in $(seq "$1"); do
            sed -n "$((from + (i - 1) * step + 1)),$((from + i * step))p" "$events" >"$scratch/slice"
            produce "$scratch/slice"
            sleep 0.7
        done
    ) &
    sender=$!
    sent=$((from + $1 * step))
}

longest_idle() { # FROM_MS TO_MS: sets $idle_ms
    read_topic scores -f '%T %s\n' | python3 "$source/tests/proof/gaps.py" "$1" "$2" >"$scratch/gaps"
    idle_ms=$(cut -d' ' -f1 "$scratch/gaps")
}

# The same instance a second time, as an operator's mistake does it.
f4() {
    prepare 2
    configure one
    sed 's|one\.sock|other.sock|' "$scratch/one.conf" >"$scratch/twin.conf"
    run one
    local first=$daemon second began gone
    send_part 1 3
    await 60
    began=$(now_ms)
    run twin
    second=$daemon
    send_part 2 3
    one_is_gone() { ended "$first" || ended "$second"; }
    wait_for 60 one_is_gone
    gone=$(($(now_ms) - began))
    local left=$first loser=$second
    ended "$first" && left=$second loser=$first
    await_end "$loser" 5
    [ "$status" != 0 ] || fail "the loser ended well"
    send_part 3 3
    await 120
    ! ended "$left" || fail "both are gone: $(tail -n 2 "$scratch"/*.log)"
    finish "$left"
    judge 2
    [ "$gone" -le 10000 ] || fail "it took $gone ms until one of two with one identity was gone"
    echo "one of two gone after $gone ms with status $status; $sent events, each once"
}

# Instances come and go.
f5() {
    local seconds=${amount:-60} began second=
    prepare 6
    configure one
    configure two
    run one
    local first=$daemon
    send 1 3000
    await 60
    began=$(now_ms)
    send_steadily "$seconds"
    while kill -0 "$sender" 2>/dev/null; do
        run two
        second=$daemon
        sleep 10
        finish "$second"
        sleep $((RANDOM % 5 + 5))
    done
    longest_idle "$began" "$(now_ms)"
    await 90
    finish "$first"
    judge 6
    [ "$idle_ms" -le 15000 ] || fail "a partition idled for $idle_ms ms: $(cat "$scratch/gaps")"
    echo "$(grep -c event=starting "$scratch/two.log") instances came and went in $seconds s: no partition idled longer than $idle_ms ms; $sent events, each once"
}

# What the machine has not got.
f28() {
    prepare 2
    configure test
    local said=()
    refuses() { # NAME LIMIT...: it ends by itself, with a sentence, and without a signal
        status=0
        (ulimit "${@:2}" && exec timeout 60 "$hecated" -c "$scratch/test.conf") >"$scratch/said" 2>&1 || status=$?
        [ "$status" != 0 ] && [ "$status" -lt 124 ] ||
            fail "$1: ends with $status: $(tail -2 "$scratch/said")"
        grep -qE 'level=error|hecated: ' "$scratch/said" || fail "$1: no word: $(tail -2 "$scratch/said")"
        said+=("$1: status $status")
    }
    refuses "12 open files" -n 12
    refuses "100 MB of memory" -v 100000
    # A log on a full disk, an inbox where nothing can be written: scoring goes on.
    mkdir "$scratch/readonly"
    echo "not a database" >"$scratch/readonly/inbox"
    "$hecated" -c "$scratch/test.conf" --set output.score_features=true --set "alerts.inbox_file=$scratch/readonly/inbox" \
        >/dev/full 2>&1 &
    daemon=$!
    later "$daemon"
    send_part 1 2
    await 60
    finish "$daemon"
    # A daemon that runs out of memory on its way ends, and the next one goes on.
    run test
    prlimit --pid "$daemon" --as=$(($(awk '/^VmSize/ { print $2 }' "/proc/$daemon/status") * 1024 + 1000000))
    send_part 3 4
    sleep 5
    local how="went on with what it had"
    if ended "$daemon"; then
        await_end "$daemon" 1
        how="ended with $status"
    else
        kill -9 "$daemon"
        wait "$daemon" 2>/dev/null || true
    fi
    run test
    await 60
    send_part 4 4
    await 60
    finish "$daemon"
    DEGRADED_MAX=0.5 judge 2
    echo "${said[*]}; log on a full disk and a broken inbox: scored on; no more memory: $how; $sent events, each once"
}

# SIGTERM whenever; twice; while Redis or the broker is away.
f32() {
    local times=${amount:-20} worst=0 took step
    prepare 2
    configure test
    step=$((lines / (times + 6)))
    leaves() { # SIGNALS: takes at most 10 s, with status 0
        local began
        began=$(now_ms)
        for _ in $(seq "$1"); do kill -TERM "$daemon" 2>/dev/null || true; done
        await_end "$daemon" 30
        took=$(($(now_ms) - began))
        [ "$took" -le 10500 ] || fail "SIGTERM took $took ms"
        [ "$took" -le "$worst" ] || worst=$took
    }
    for _ in $(seq "$times"); do
        run test
        send $((sent + 1)) $((sent + step))
        sleep "$((RANDOM % 2)).$((RANDOM % 10))"
        leaves 1
        [ "$status" = 0 ] || fail "SIGTERM: status $status: $(tail -3 "$scratch/test.log")"
    done
    run test
    await 60
    send $((sent + 1)) $((sent + step))
    leaves 2
    local twice=$status
    run test
    await 60
    "$support/redis.sh" kill "$scratch/redis"
    send $((sent + 1)) $((sent + step))
    sleep 1
    leaves 1
    [ "$status" = 0 ] || fail "SIGTERM without Redis: status $status: $(tail -3 "$scratch/test.log")"
    start_redis --appendonly yes
    run test
    send $((sent + 1)) $((sent + step))
    await 60
    finish "$daemon"
    DEGRADED_MAX=0.5 judge 2
    echo "$times times at random, then twice at once (status $twice), then without Redis: at most $worst ms; $sent events, each once"
}

# One engine hangs, the process goes on.
f33() {
    prepare 2
    configure test
    python3 "$support/pings.py" "$scratch/notify" "$scratch/pings" &
    later $!
    wait_for 10 test -S "$scratch/notify"
    NOTIFY_SOCKET=$scratch/notify WATCHDOG_USEC=2000000 run test
    send_part 1 2
    await 60
    http_of test
    local thread
    thread=$(grep -l '^hec-engine' "/proc/$daemon/task/"*/comm | head -1 | cut -d/ -f5)
    [ -n "$thread" ] || fail "no thread calls itself an engine: $(cat "/proc/$daemon/task/"*/comm | tr '\n' ' ')"
    python3 "$support/stall.py" "$daemon" "$thread" 0 >"$scratch/stall" 2>&1 &
    local stall=$! began
    later "$stall"
    began=$(now_ms)
    wait_for 10 grep -q stalled "$scratch/stall"
    is_dead() { [ "$(curl -s -m 2 -o /dev/null -w '%{http_code}' "http://$http/livez")" = 503 ]; }
    wait_for 90 is_dead
    local took=$(($(now_ms) - began)) count
    sleep 2
    count=$(grep -c WATCHDOG=1 "$scratch/pings")
    sleep 6
    [ "$(grep -c WATCHDOG=1 "$scratch/pings")" = "$count" ] || fail "it pings with an engine that hangs"
    # What the service manager does then.
    kill "$stall"
    kill -9 "$daemon"
    wait "$daemon" 2>/dev/null || true
    run test
    send_part 2 2
    await 60
    finish "$daemon"
    judge 2
    echo "an engine that hangs: not alive after $took ms, $count pings before and none after; started again, $sent events, each once"
}

case $row in
f4 | f5 | f28 | f32 | f33) "$row" ;;
*) fail "usage: $(sed -n 5p "$0")" ;;
esac
