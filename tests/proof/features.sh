#!/bin/bash
# Every feature of 100 000 events of hecate gen, late, repeated and reversed ones mixed in, against an
# oracle in Python that reads features.conf by itself. Once with the default features, once with a
# file that has every aggregate.
. "$(dirname "$0")/../integration/lib.sh"
need python3
proof=$source/tests/proof

"$hecate" gen --users "${USERS:-1300}" --days 40 --seed "${SEED:-3}" --out "$scratch/plain.ndjson"
python3 "$proof/feature_mixer.py" "$scratch/plain.ndjson" "$scratch/events.ndjson" "${SEED:-3}"
for features in conf/features.conf tests/data/features-every.conf; do
    "$hecate" features --data "$scratch/events.ndjson" --features "$source/$features" \
        --out "$scratch/rows.csv"
    python3 "$proof/feature_oracle.py" "$source/$features" "$scratch/events.ndjson" "$scratch/rows.csv"
done
