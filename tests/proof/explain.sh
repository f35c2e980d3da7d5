#!/bin/bash
# Decisions replayed: alerts of every head, made over a real broker in batches of every size, are
# scored and explained again from the rows that they carry. Scores within 1e-5, reasons the same
# apart from ties.
#
#   explain.sh [ALERTS]      10 000
. "$(dirname "$0")/../integration/lib.sh"
. "$(dirname "$0")/../integration/daemon_lib.sh"
need kcat curl python3
wanted=${1:-10000}
start_broker
start_redis
make_bank 200 40
"$hecate" gen --users 1200 --days 20 --seed 11 --out "$scratch/more" 2>/dev/null
mv "$scratch/more" "$events"
make_topics 4
# Low thresholds: what is wanted is alerts, not peace.
write_config "alerts { inbox_file = \"$scratch/alerts.db\" dedup_window_s = 0 }"
for head in card_fraud ato anomaly; do
    echo "head $head { alert_score = 60 }" >>"$scratch/hecate.conf"
done
start_daemon
wait_ready
produce "$events"
wait_done "$(wc -l <"$events")" 300
sleep 2
python3 "$source/tests/proof/explain.py" "$http" analyst-token-0123456789 "$wanted" >"$scratch/told"
cat "$scratch/told"
[ "$(sed 's/alerts=\([0-9]*\).*/\1/' "$scratch/told")" = "$wanted" ] || fail "there were fewer alerts than $wanted"
stop_daemon
