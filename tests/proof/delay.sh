#!/bin/bash
# What --delay-model is worth on the simulated bank stream, whose labels come from minutes to ten
# weeks late: with labels that are given four weeks, learning from mature events alone, from young
# ones too, and from young ones whose silence is taken for proof (a label delay of 0). Trains on the
# seven weeks from 2025-01-20 as known on 03-10, judges 03-10 to 04-05 by the truth.
#
#   delay.sh      SEEDS=3
. "$(dirname "$0")/../integration/lib.sh"
data=$source/../shared/data/bank
[ -f "$data/events.ndjson.zst" ] || skip "there is no $data/events.ndjson.zst"
need zstd

zstd -dcq "$data/events.ndjson.zst" >"$scratch/events.ndjson"
zstd -dcq "$data/truth.csv.zst" >"$scratch/truth.csv"
for days in 28 0; do
    sed "s/label_delay = 7d/label_delay = ${days}d/" "$source/conf/heads.conf" >"$scratch/heads-$days.conf"
done
common=(--data "$scratch/events.ndjson" --truth "$scratch/truth.csv" --truth-omit stuffing_attempt
    --rows card_fraud=card_auth --train-from 2025-01-20 --train-days 49 --delay-days 0 --test-days 26
    --folds 1 --keep-known --valid-days 5 --seeds "${SEEDS:-3}" --bootstrap 0)
"$hecate" compare "${common[@]}" --heads "$scratch/heads-28.conf" --arm "mature:" \
    --arm "young: --delay-model"
echo
echo "silence is proof:"
"$hecate" eval --prequential "${common[@]}" --heads "$scratch/heads-0.conf"
