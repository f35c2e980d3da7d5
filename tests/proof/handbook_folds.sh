#!/bin/bash
# The Fraud Detection Handbook's prequential protocol (its chapters 5 to 7): four folds of seven days
# of training, seven of delay, seven of test, cards known to be compromised left out, three seeds.
# Prints the means over the folds with their deviation, and the same for the seeds' scores averaged.
# Settings are chosen on the validation folds; the test folds are for the end.
#
#   handbook_folds.sh [valid] [TRANSACTIONS.csv.xz]
. "$(dirname "$0")/../integration/lib.sh"
from=2018-07-25
if [ "${1:-}" = valid ]; then
    from=2018-06-20
    shift
fi
data=${1:-$source/../shared/data/handbook/transactions.csv.xz}
[ -f "$data" ] || skip "there is no $data; it is the published set of the handbook's simulator"
need xz

xz -dc "$data" >"$scratch/transactions.csv"
"$hecate" import handbook --in "$scratch/transactions.csv" --out "$scratch/events.ndjson"
"$hecate" eval --prequential --data "$scratch/events.ndjson" --features "$source/conf/features-handbook.conf" \
    --train-from "$from" --folds 4 --seeds "${SEEDS:-3}"
echo
echo "published, one model, test folds: XGBoost AP .687 AUC .869 CP@100 .303; feed-forward net .675 .876 .303"
