#!/bin/bash
# The Fraud Detection Handbook, one split of its chapter 3: trains on 2018-07-25 to 31, seven days of
# delay, tests on 2018-08-08 to 14 without the cards known to be compromised, and prints AUC, average
# precision and card precision at 100 beside the book's published table. Then holds the fifteen
# features of 20 000 events against a plain oracle.
#
#   handbook.sh [TRANSACTIONS.csv.xz]      default ../shared/data/handbook/transactions.csv.xz
. "$(dirname "$0")/../integration/lib.sh"
data=${1:-$source/../shared/data/handbook/transactions.csv.xz}
[ -f "$data" ] || skip "there is no $data; it is the published set of the handbook's simulator"
need python3 xz
seed=${SEED:-1}
features=$source/conf/features-handbook.conf

xz -dc "$data" >"$scratch/transactions.csv"
"$hecate" import handbook --in "$scratch/transactions.csv" --out "$scratch/all.ndjson"
# Nothing after the test week is needed.
awk -F '"event_time_ms":' '{ split($2, t, ","); if (t[1] + 0 >= 1534291200000) exit; print }' \
    "$scratch/all.ndjson" >"$scratch/events.ndjson"
rm "$scratch/all.ndjson"

"$hecate" train --data "$scratch/events.ndjson" --out "$scratch/model.safetensors" --features "$features" \
    --train-from 2018-07-25 --train-to 2018-08-01 --known-at 2018-08-08 --seed "$seed"
"$hecate" score --model "$scratch/model.safetensors" --data "$scratch/events.ndjson" --out "$scratch/scores.csv"
echo
python3 "$source/tests/proof/judge.py" handbook "$scratch/scores.csv" "$scratch/transactions.csv"
echo
head -200000 "$scratch/events.ndjson" >"$scratch/head.ndjson"
"$hecate" features --data "$scratch/head.ndjson" --features "$features" --out "$scratch/features.csv"
python3 "$source/tests/proof/handbook_oracle.py" "$scratch/head.ndjson" "$scratch/features.csv" --last 20000
