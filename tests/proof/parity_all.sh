#!/bin/bash
# The whole of the parity proof: 200 000 events of hecate gen, of every type, with the default
# features, through the daemon and a real broker: one partition and four, undisturbed, killed ten
# times, killed ten times with Redis flushed in between, and with Redis flushed under the daemon at
# work.
#
#   parity_all.sh [EVENTS] [FAULT...]      default 200000 none kill flush empty
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
hecate=${HECATE_BUILD:-$source/build}/daemon/hecate
count=${1:-200000}
shift || true
[ $# -gt 0 ] || set -- none kill flush empty
work=$(mktemp -d "${TMPDIR:-/tmp}/hec.XXXXXX")
trap 'rm -rf "$work"' EXIT
features=$source/conf/features.conf
"$hecate" gen --users $((count / 70)) --days 40 --seed "${SEED:-7}" --out "$work/all.ndjson"
head -n "$count" "$work/all.ndjson" >"$work/events.ndjson"
[ "$(wc -l <"$work/events.ndjson")" -eq "$count" ] || { echo "hecate gen made too few events"; exit 1; }
rm "$work/all.ndjson"
"$hecate" train --data "$work/events.ndjson" --out "$work/model.safetensors" \
    --train-from 2025-01-13 --train-to 2025-02-05 --features "$features"
for partitions in 1 4; do
    for fault in "$@"; do
        "$source/tests/proof/parity.sh" "$work/events.ndjson" "$work/model.safetensors" \
            "$features" "$partitions" "$fault"
    done
done
