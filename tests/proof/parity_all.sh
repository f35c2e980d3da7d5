#!/bin/bash
# The whole of the parity proof: events through the daemon and a real broker, one partition and four,
# undisturbed, killed ten times, killed ten times with Redis flushed in between, and with Redis
# flushed under the daemon at work.
#
#   parity_all.sh bank|handbook [EVENTS] [FAULT...]      default bank 200000 none kill flush empty
#
# bank: hecate gen's events, of every type, with the default features. handbook: the payments of the
# Fraud Detection Handbook with its fifteen features.
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
hecate=${HECATE_BUILD:-$source/build}/daemon/hecate
stream=${1:-bank}
count=${2:-200000}
shift "$(($# < 2 ? $# : 2))"
[ $# -gt 0 ] || set -- none kill flush empty
work=$(mktemp -d "${TMPDIR:-/tmp}/hec.XXXXXX")
trap 'rm -rf "$work"' EXIT
case $stream in
bank)
    features=$source/conf/features.conf from=2025-01-13 to=2025-02-05
    "$hecate" gen --users $((count / 70)) --days 40 --seed "${SEED:-7}" --out "$work/all.ndjson"
    ;;
handbook)
    features=$source/conf/features-handbook.conf from=2018-04-01 to=2018-04-18
    transactions=$source/../shared/data/handbook/transactions.csv.xz
    [ -f "$transactions" ] || { echo "skipped: there is no $transactions"; exit 77; }
    (xz -dc "$transactions" 2>/dev/null || true) | head -n $((count + 1)) |
        "$hecate" import handbook --in - --out "$work/all.ndjson"
    ;;
*)
    echo "usage: $(sed -n '6s/^# *//p' "$0")" >&2
    exit 2
    ;;
esac
head -n "$count" "$work/all.ndjson" >"$work/events.ndjson"
[ "$(wc -l <"$work/events.ndjson")" -eq "$count" ] || { echo "there are too few events"; exit 1; }
rm "$work/all.ndjson"
"$hecate" train --data "$work/events.ndjson" --out "$work/model.safetensors" \
    --train-from "$from" --train-to "$to" --features "$features"
for partitions in 1 4; do
    for fault in "$@"; do
        "$source/tests/proof/parity.sh" "$work/events.ndjson" "$work/model.safetensors" \
            "$features" "$partitions" "$fault"
    done
done
