#!/bin/bash
# The simulated bank stream: trains on 2025-01-20 to 03-01 with the labels known at 03-07, scores
# 2025-03-10 to 04-05, and prints both heads' AUC and average precision against the truth, which
# training never sees.
#
#   bank.sh [FOLDER]      default ../shared/data/bank
. "$(dirname "$0")/../integration/lib.sh"
data=${1:-$source/../shared/data/bank}
[ -f "$data/events.ndjson.zst" ] || skip "there is no $data/events.ndjson.zst"
need python3 zstd

"$hecate" train --data "$data/events.ndjson.zst" --out "$scratch/model.safetensors" \
    --train-from 2025-01-20 --train-to 2025-03-02 --known-at 2025-03-07 --valid-days 7 --seed "${SEED:-1}"
"$hecate" score --model "$scratch/model.safetensors" --data "$data/events.ndjson.zst" --out "$scratch/scores.csv"
zstd -dc "$data/truth.csv.zst" >"$scratch/truth.csv"
echo
python3 "$source/tests/proof/judge.py" bank "$scratch/scores.csv" "$scratch/truth.csv"
