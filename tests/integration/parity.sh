#!/bin/bash
# Live equals offline and exactly once, in the size that every run can afford: tests/proof/parity.sh
# over 20 000 events, one and four partitions, killed, and killed with Redis flushed. `make
# proof-parity` is the whole of it.
. "$(dirname "$0")/lib.sh"
need kcat python3
events=$scratch/events.ndjson model=$scratch/model.safetensors
features=$source/conf/features.conf
"$hecate" gen --users 250 --days 38 --seed 7 --out "$events" 2>/dev/null
"$hecate" train --data "$events" --out "$model" --train-from 2025-01-13 \
    --train-to 2025-02-05 --features "$features" >"$scratch/train.log" 2>&1 || fail "$(tail -1 "$scratch/train.log")"

for partitions in 1 4; do
    for fault in kill:3 flush:2; do
        ROUNDS=${fault#*:} "$source/tests/proof/parity.sh" "$events" "$model" "$features" \
            "$partitions" "${fault%:*}" || fail "$partitions partition(s), fault $fault"
    done
done
