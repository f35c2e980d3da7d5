#!/bin/bash
# The whole of the parity proof: 200 000 events of the Fraud Detection Handbook, one and four
# partitions, undisturbed, killed ten times, and killed ten times with Redis flushed in between.
#
#   parity_all.sh [EVENTS]
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
hecate=${HECATE_BUILD:-$source/build}/daemon/hecate
transactions=$source/../shared/data/handbook/transactions.csv.xz
[ -f "$transactions" ] || { echo "skipped: there is no $transactions"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/hec.XXXXXX")
trap 'rm -rf "$work"' EXIT
features=$source/conf/features-handbook.conf
(xz -dc "$transactions" 2>/dev/null || true) | head -n $((${1:-200000} + 1)) |
    "$hecate" import handbook --in - --out "$work/events.ndjson"
"$hecate" train --data "$work/events.ndjson" --out "$work/model.safetensors" \
    --train-from 2018-04-01 --train-to 2018-04-18 --features "$features"
for partitions in 1 4; do
    for fault in none kill flush; do
        "$source/tests/proof/parity.sh" "$work/events.ndjson" "$work/model.safetensors" \
            "$features" "$partitions" "$fault"
    done
done
