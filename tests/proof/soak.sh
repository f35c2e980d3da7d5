#!/bin/bash
# A long run with everything dying at random: hecated (kill -9, SIGSTOP), the broker (kill -9) and
# Redis (kill -9, its log kept) while events flow at a steady pace. At the end every scored event has
# one score, equal to the offline one; memory is told as it went.
#
#   soak.sh [SECONDS [EVENTS_A_SECOND]]      default 3600, 2000; SEED makes the moments repeat
#
# One partition, so that every score can be held against the offline twin.
. "$(dirname "$0")/../integration/lib.sh"
. "$(dirname "$0")/../integration/daemon_lib.sh"
need kcat curl python3 jq
seconds=${1:-3600} rate=${2:-2000}
RANDOM=${SEED:-7}

start_broker
start_redis --appendonly yes
make_bank 250 40
make_topics 1
# Some 1.7 events a customer and day; more customers than needed, cut to the wanted number.
"$hecate" gen --users $((seconds * rate / 60 + 50)) --days 45 --seed 9 --out "$scratch/made" 2>/dev/null
head -n $((seconds * rate)) "$scratch/made" >"$events"
rm "$scratch/made"
total=$(wc -l <"$events")
slice_s=5
split -l $((rate * slice_s)) -a 4 -d "$events" "$scratch/slice."
write_config

run() {
    "$hecated" -c "$scratch/hecate.conf" --set state.checkpoint_interval_ms=500 \
        --set state.cache_mib=256 >>"$scratch/log" 2>&1 &
    daemon=$!
    later "$daemon"
}

# The sender is not what is tested: kcat gives up without a broker, and to send a slice again would
# double it. So the broker dies only between two slices.
send_all() {
    local slice began=$SECONDS n=0
    for slice in "$scratch"/slice.*; do
        (
            flock 9
            produce "$slice" 2>>"$scratch/kcat.log" || echo "$slice" >>"$scratch/unsent"
        ) 9>"$scratch/sending"
        rm "$slice"
        n=$((n + 1))
        while [ $((SECONDS - began)) -lt $((n * slice_s)) ]; do sleep 0.2; done
    done
}

rss_mib() { awk '/^VmRSS/ { printf "%d", $2 / 1024 }' "/proc/$daemon/status" 2>/dev/null || true; }

deaths=0 stops=0 brokers=0 stores=0 fell=0
one_fault() {
    case $((RANDOM % 10)) in
    0 | 1 | 2 | 3)
        kill -9 "$daemon"
        wait "$daemon" 2>/dev/null || true
        deaths=$((deaths + 1))
        run
        ;;
    4)
        kill -STOP "$daemon"
        sleep $((RANDOM % 20 + 2))
        kill -CONT "$daemon"
        stops=$((stops + 1))
        ;;
    5 | 6)
        exec 9>"$scratch/sending"
        flock 9
        "$support/broker.sh" kill "$scratch/broker"
        sleep $((RANDOM % 6))
        start_broker 9>&-
        exec 9>&-
        brokers=$((brokers + 1))
        ;;
    *)
        "$support/redis.sh" kill "$scratch/redis"
        sleep $((RANDOM % 12))
        start_redis --appendonly yes
        stores=$((stores + 1))
        ;;
    esac
}

# As a service manager does: who ends by himself is started again, and counted.
mind() {
    kill -0 "$daemon" 2>/dev/null && return
    local status=0
    wait "$daemon" 2>/dev/null || status=$?
    fell=$((fell + 1))
    echo "  $((SECONDS - began)) s: hecated ended by itself with $status: $(tail -1 "$scratch/log" | cut -c1-200)"
    run
}

run
began=$SECONDS
send_all &
sender=$!
later "$sender"
echo "soak: $total events at $rate a second, seed ${SEED:-7}"
next_tell=$((seconds / 10)) pause=0
while kill -0 "$sender" 2>/dev/null; do
    sleep 1
    mind
    pause=$((pause - 1))
    if [ "$pause" -le 0 ] && [ $((SECONDS - began)) -gt 5 ]; then
        one_fault
        pause=$((RANDOM % 20 + 5))
    fi 2>/dev/null
    if [ $((SECONDS - began)) -ge "$next_tell" ]; then
        echo "  $((SECONDS - began)) s: RSS $(rss_mib) MiB; hecated killed $deaths, stopped $stops;" \
            "broker killed $brokers, Redis $stores; ended by itself $fell"
        next_tell=$((next_tell + seconds / 10))
    fi
done
[ ! -s "$scratch/unsent" ] || fail "not all was sent: $(cat "$scratch/unsent" "$scratch/kcat.log" | tail -3)"
end=$((SECONDS + 180))
until [ "$(committed)" -ge "$total" ]; do
    mind
    [ "$SECONDS" -lt "$end" ] || fail "$(committed) of $total committed: $(tail -3 "$scratch/log")"
    sleep 1
done
echo "  $((SECONDS - began)) s: all committed; RSS $(rss_mib) MiB"
kill -TERM "$daemon" && wait "$daemon" || fail "it ended with $?"
read_topic scores >"$scratch/live"
"$hecate" score --model "$model" --data "$events" --out "$scratch/scores.csv" 2>/dev/null
echo event_id >"$scratch/features.csv"
DEGRADED_MAX=0.6 python3 "$source/tests/proof/parity.py" 1 "$scratch/live" "$scratch/scores.csv" \
    "$scratch/features.csv" "$(read_topic dead | wc -l)" || fail "the outcome is another"
echo "soak: $seconds s, $total events, each once; hecated killed $deaths and stopped $stops times," \
    "broker killed $brokers, Redis $stores; ended by itself $fell"
