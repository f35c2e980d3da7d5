#!/bin/bash
# The HTTP face under torture while events flow at a steady rate: what the pipeline's p99 (end to
# end, of what came meanwhile) and the process's memory are in peace and under each kind of attack.
#
#   http.sh [SECONDS [RATE]]     10 s each, 5 000 events a second
. "$(dirname "$0")/../integration/lib.sh"
. "$(dirname "$0")/../integration/daemon_lib.sh"
need kcat curl python3
seconds=${1:-10} rate=${2:-5000}
start_broker
start_redis
make_bank 200 40
make_topics 4
write_config "alerts { inbox_file = \"$scratch/alerts.db\" }"
kinds="peace scrape slow tokens limits smuggle peace"
wanted=$((rate * (seconds + 4) * 8))
"$hecate" gen --users $((wanted / 75)) --days 45 --seed 3 --out "$scratch/made" 2>/dev/null
head -n "$wanted" "$scratch/made" >"$scratch/paced"
rm "$scratch/made"
start_daemon
wait_ready
python3 "$source/tests/proof/keyed.py" "$scratch/paced" "$rate" |
    kcat -P -b "$broker" -t events -K '	' -X linger.ms=5 -X partitioner=murmur2_random &
later $!
sleep 3

# Seconds that 99 of 100 stages took, from the batches of a stretch: the time from poll to emit.
buckets() {
    curl -sf "http://$http/metrics" | grep '^hecate_stage_duration_seconds_bucket{stage="score"' | sed 's/.*le="\([^"]*\)"} /\1 /'
}
memory_kb() {
    awk '/^VmRSS/ { print $2 }' "/proc/$daemon/status"
}
for kind in $kinds; do
    buckets >"$scratch/before"
    begun=$(metric hecate_events_processed_total)
    status=0
    if [ "$kind" = peace ]; then
        sleep "$seconds"
        said=peace
    else
        said=$(python3 "$source/tests/proof/http_torture.py" "$kind" "$http" "$seconds") || status=$?
    fi
    [ "$status" = 0 ] || fail "$kind: $said"
    kill -0 "$daemon" || fail "$kind ended the daemon: $(tail -3 "$scratch/log")"
    curl -sf --max-time 5 "http://$http/livez" >/dev/null || fail "nobody answers after $kind"
    buckets >"$scratch/after"
    p99=$(paste "$scratch/before" "$scratch/after" | awk '{ le[NR] = $1; n[NR] = $4 - $2 }
        END { for (i = 1; i <= NR; i++) if (n[i] >= 0.99 * n[NR]) { print le[i]; exit } }')
    printf '%-8s batch p99 <= %s s, %s events, %s KiB, lag %s | %s\n' "$kind" "$p99" \
        $(($(metric hecate_events_processed_total) - begun)) "$(memory_kb)" "$(metric hecate_kafka_consumer_lag_records)" "$said"
done | tee "$scratch/told"
first=$(awk 'NR == 1 { print $0 }' "$scratch/told" | sed 's/.* \([0-9]*\) KiB.*/\1/')
most=$(sed 's/.* \([0-9]*\) KiB.*/\1/' "$scratch/told" | sort -n | tail -1)
echo "memory: $first KiB at first, $most KiB at most (the cache grows with the entities)"
denied=$(grep -c 'event=denied' "$scratch/log" || true)
echo "log lines of denied requests: $denied (rate limited)"
stop_daemon
