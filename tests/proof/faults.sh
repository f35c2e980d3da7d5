#!/bin/bash
# Exactly once under what the field knows, over a real broker and a real Redis. One line of figures
# each; the judge is parity.py over what a careful reader sees (read_committed).
#
#   faults.sh kill [SECONDS]      kill -9 of the daemon every 0.2 to 3 s under load (default 60)
#   faults.sh recovery [DIRTY]    kill -9 with so many records dirty (default 100000), until the first
#                                 new output is committed
#   faults.sh zombie [SECONDS]    one of two daemons is stopped for so long and woken (default 30)
#   faults.sh group [SECONDS]     three daemons and six partitions: one is killed, then one stopped for so
#                                 long (default 90) and woken; no partition may be idle for over 15 s
#   faults.sh outage [SECONDS]    Redis is away for so long under load (default 60) and comes back
#
# SEED makes the moments repeat, OVERLAP=true sets output.overlap. Exit status 0: it holds.
. "$(dirname "$0")/faults_lib.sh"
what=${1:-} amount=${2:-}

kill_loop() {
    local seconds=${amount:-60} kills=0 lines step until
    prepare 2
    configure test
    lines=$(wc -l <"$events") step=$((lines / (seconds / 2 + 1)))
    until=$((SECONDS + seconds)) sent=0
    run test
    while [ "$SECONDS" -lt "$until" ] && [ $((sent + step)) -le "$lines" ]; do
        send $((sent + 1)) $((sent + step))
        sleep "$((RANDOM % 3)).$((RANDOM % 8 + 2))"
        kill -9 "$daemon"
        wait "$daemon" 2>/dev/null || true
        kills=$((kills + 1))
        run test
    done 2>/dev/null
    await 60
    kill -TERM "$daemon" && wait "$daemon" || fail "it ended with $?"
    judge 2
    echo "kill: $kills kills in $seconds s, $sent events, each once"
}

recovery() {
    local dirty=${amount:-100000} began before
    local lazy=(--set state.checkpoint_interval_ms=600000 --set state.checkpoint_records_max=1000000
        --set state.cache_mib=2048)
    prepare 2
    "$hecate" gen --users $((dirty * 9 / 50)) --days 3 --seed 9 --out "$scratch/many" 2>/dev/null
    events=$scratch/many
    configure test
    run test "${lazy[@]}"
    sent=0
    http=
    is_dirty() {
        http=$(sed -n 's/.*event=listening.*address="\{0,1\}\([0-9.:]*\).*/\1/p' "$scratch/test.log")
        [ "$(metric hecate_state_cache_dirty_entries)" -ge "$dirty" ]
    }
    send 1 "$(($(wc -l <"$events") - 1000))"
    wait_for 120 is_dirty
    await 120
    dirty=$(metric hecate_state_cache_dirty_entries)
    kill -9 "$daemon"
    wait "$daemon" 2>/dev/null || true
    before=$(read_topic scores | wc -l)
    send $((sent + 1)) $((sent + 500))
    began=$(now_ms)
    run test "${lazy[@]}"
    is_new() { [ "$(read_topic scores | wc -l)" -gt "$before" ]; }
    wait_for 60 is_new
    echo "recovery: kill -9 with $dirty dirty records, $sent events to replay: first new committed" \
        "output after $(($(now_ms) - began)) ms (half a second of it is this script's looking)"
    kill -TERM "$daemon" && wait "$daemon" || fail "it ended with $?"
}

zombie() {
    local seconds=${amount:-30} lines first second status=0
    prepare 2
    configure one
    configure two
    lines=$(wc -l <"$events")
    run one
    first=$daemon
    run two
    second=$daemon
    send 1 $((lines / 3))
    await 60
    send $((sent + 1)) $((lines / 2))
    kill -STOP "$first"
    send $((sent + 1)) $((2 * lines / 3))
    sleep "$seconds"
    await 60 # the other one has all of it
    kill -CONT "$first"
    send $((sent + 1)) "$lines"
    await 60
    if kill -0 "$first" 2>/dev/null; then
        kill -TERM "$first"
    fi
    wait "$first" || status=$?
    kill -TERM "$second" && wait "$second" || fail "the other one ended with $?"
    judge 2
    echo "zombie: stopped for $seconds s and woken, ended with $status: $sent events, each once;" \
        "$(grep -cE 'event=(revoke_unfinished|transaction_rolled_back|engine_stopped)' "$scratch/one.log")" \
        "refusals in its log"
}

# The longest time that a partition which had events to score had no new score committed, from when
# the scores were written. The first seconds, in which the group comes together, do not count.
longest_idle_ms() { # PARTITIONS
    kcat -C -q -b "$broker" -t scores -o beginning -e -X isolation.level=read_committed -f '%T %s\n' |
        python3 -c '
import json, sys
times = {}
for line in sys.stdin:
    written_ms, record = line.split(" ", 1)
    times.setdefault(json.loads(record)["source"]["partition"], []).append(int(written_ms))
first = min(min(t) for t in times.values()) + 10000
idle = {p: max(b - a for a, b in zip(t, t[1:]) if b > first) for p, t in times.items()}
if len(idle) != int(sys.argv[1]):
    sys.exit(f"{len(idle)} partitions have scores")
print(max(idle.values()))' "$1"
}

group() {
    local seconds=${amount:-90} lines slices n first second third idle status=0
    prepare 6
    for one in one two three; do configure "$one"; done
    lines=$(wc -l <"$events") slices=$((seconds + 60))
    run one
    first=$daemon
    run two
    second=$daemon
    run three
    third=$daemon
    (
        sent=0
        for n in $(seq "$slices"); do
            send $((sent + 1)) $((lines * n / slices))
            sleep 0.7
        done
    ) &
    feeder=$!
    later "$feeder"
    sleep 20
    kill -9 "$first"
    sleep 20
    kill -STOP "$second"
    sleep "$seconds"
    kill -CONT "$second"
    wait "$feeder"
    sent=$lines
    await 60
    if kill -0 "$second" 2>/dev/null; then
        kill -TERM "$second"
    fi
    wait "$second" || status=$?
    kill -TERM "$third" && wait "$third" || fail "the third ended with $?"
    judge 6
    idle=$(longest_idle_ms 6) || fail "not every partition has scores"
    echo "group: of three daemons one was killed, one stopped for $seconds s and woken (it ended with" \
        "$status): $sent events of six partitions, each once; the longest that one idled: $idle ms;" \
        "$(grep -cE 'event=(revoke_unfinished|transaction_rolled_back|engine_stopped)' "$scratch/two.log")" \
        "refusals in the log of the stopped one"
    [ "$idle" -le 15000 ] || fail "a partition was idle for $idle ms"
}

outage() {
    local seconds=${amount:-60} lines part began
    prepare 2
    configure test
    lines=$(wc -l <"$events") part=$((lines / 3 / (seconds / 2)))
    run test
    send 1 $((lines / 3))
    await 60
    "$support/redis.sh" kill "$scratch/redis"
    for _ in $(seq $((seconds / 2))); do
        send $((sent + 1)) $((sent + part))
        sleep 2
    done
    start_redis --appendonly yes
    began=$(now_ms)
    http=$(sed -n 's/.*event=listening.*address="\{0,1\}\([0-9.:]*\).*/\1/p' "$scratch/test.log")
    is_stored() {
        [ "$(metric hecate_redis_connected)" = 1 ] && [ "$(metric hecate_checkpoint_lag_records)" = 0 ]
    }
    wait_for 60 is_stored
    echo "outage: Redis was away for $seconds s; state stored again after $(($(now_ms) - began)) ms"
    send $((sent + 1)) "$lines"
    await 60
    kill -TERM "$daemon" && wait "$daemon" || fail "it ended with $?"
    DEGRADED_MAX=0.5 judge 2
}

case $what in
kill) kill_loop ;;
recovery) recovery ;;
zombie) zombie ;;
group) group ;;
outage) outage ;;
*) fail "usage: faults.sh kill|recovery|zombie|group|outage [AMOUNT]" ;;
esac
