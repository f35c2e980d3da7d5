#!/bin/bash
# LightGBM and XGBoost on Hecate's own rows, beside Hecate's model: see trees.py for what is tried.
#
#   trees.sh handbook|bank|sparkov|census [valid]     SEEDS=3: of Hecate's model
#
# The two libraries are for this comparison only and go into build/trees-venv (tests/proof/
# trees-requirements.txt). The handbook's rows have its own fifteen features, the others all of
# conf/features.conf. Of training, frauds are all taken and 40 000 others, weighed up again.
. "$(dirname "$0")/../integration/lib.sh"
task=${1:-bank}
shared=$source/../shared/data
need python3 xz zstd
export OMP_WAIT_POLICY=passive

venv=$build/trees-venv
if [ ! -x "$venv/bin/python" ] || ! cmp -s "$source/tests/proof/trees-requirements.txt" "$venv/of.txt"; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet -r "$source/tests/proof/trees-requirements.txt" ||
        skip "LightGBM and XGBoost cannot be installed here"
    cp "$source/tests/proof/trees-requirements.txt" "$venv/of.txt"
fi

# $scores: one file a seed, of a model trained with these flags on $scratch/events.ndjson.
train_and_score() {
    scores=()
    for seed in $(seq "${SEEDS:-3}"); do
        "$hecate" train --data "$scratch/events.ndjson" --out "$scratch/model" --seed "$seed" "$@"
        "$hecate" score --model "$scratch/model" --data "$scratch/events.ndjson" --out "$scratch/scores-$seed.csv"
        scores+=("$scratch/scores-$seed.csv")
    done
}

rows_of() {
    "$hecate" features --data "$scratch/events.ndjson" --features "$source/conf/$1" --out "$scratch/rows.csv"
}

trees() {
    "$venv/bin/python" "$source/tests/proof/trees.py" "$@"
}

there() {
    [ -f "$1" ] || skip "there is no $1"
}

case $task in
handbook)
    there "$shared/handbook/transactions.csv.xz"
    xz -dc "$shared/handbook/transactions.csv.xz" |
        "$hecate" import handbook --in - --out "$scratch/events.ndjson"
    rows_of features-handbook.conf
    trees handbook "$scratch/rows.csv" "$scratch/events.ndjson" "${2:-}"
    rm "$scratch/rows.csv"
    "$hecate" eval --prequential --data "$scratch/events.ndjson" --features "$source/conf/features-handbook.conf" \
        --train-from "$([ "${2:-}" = valid ] && echo 2018-06-20 || echo 2018-07-25)" --folds 4 \
        --seeds "${SEEDS:-3}" --bootstrap 0
    ;;
bank)
    there "$shared/bank/events.ndjson.zst"
    zstd -dcq "$shared/bank/events.ndjson.zst" >"$scratch/events.ndjson"
    zstd -dcq "$shared/bank/truth.csv.zst" >"$scratch/truth.csv"
    train_and_score --train-from 2025-01-20 --train-to 2025-03-02 --known-at 2025-03-07 --valid-days 7
    rows_of features.conf
    trees bank "$scratch/rows.csv" "$scratch/events.ndjson" "$scratch/truth.csv" "${scores[@]}"
    ;;
sparkov)
    there "$shared/sparkov_2020/transactions.csv.xz"
    xz -dc "$shared/sparkov_2020/transactions.csv.xz" |
        "$hecate" import sparkov --in - --out "$scratch/events.ndjson"
    train_and_score --train-from 2020-01-01 --train-to 2020-10-01 --known-at 2020-10-08
    rows_of features.conf
    trees sparkov "$scratch/rows.csv" "$scratch/events.ndjson" "${scores[@]}"
    echo "hecate without the features of the merchant (see trees.py):"
    grep -v '^feature merchant_' "$source/conf/features.conf" >"$scratch/features.conf"
    "$hecate" train --data "$scratch/events.ndjson" --out "$scratch/model" --features "$scratch/features.conf" \
        --train-from 2020-01-01 --train-to 2020-10-01 --known-at 2020-10-08
    "$hecate" eval --model "$scratch/model" --data "$scratch/events.ndjson" --from 2020-11-01 --to 2021-01-01
    ;;
census)
    # The official test part has all columns: the first 70 000 of a seeded order train.
    there "$shared/census_kdd/census_test_99762.csv.xz"
    xz -dc "$shared/census_kdd/census_test_99762.csv.xz" >"$scratch/all.csv"
    "$venv/bin/python" - "$scratch" <<'PYTHON'
import sys
import pandas
table = pandas.read_csv(sys.argv[1] + "/all.csv", dtype=str, keep_default_na=False).sample(frac=1, random_state=1)
table[:70_000].to_csv(sys.argv[1] + "/train.csv", index=False)
table[70_000:].to_csv(sys.argv[1] + "/test.csv", index=False)
PYTHON
    cat >"$scratch/heads.conf" <<'HEADS'
table {
    numeric = {age, wage_per_hour, capital_gains, capital_losses, stock_dividends, num_emp, weeks_worked}
    ignore = {instance_weight, marital_stat}
}
head income { column = income_50k values = {1} }
head never_married { column = never_married values = {1} }
HEADS
    scores=()
    for arch in shared-bottom mmoe single; do
        "$hecate" table --train "$scratch/train.csv" --test "$scratch/test.csv" --heads "$scratch/heads.conf" \
            --arch "$arch" --out "$scratch/model" --scores "$scratch/$arch"
        scores+=("$scratch/$arch")
    done
    echo "one head in the file:"
    sed '/^head never_married/d; s/marital_stat/marital_stat, never_married/' "$scratch/heads.conf" >"$scratch/income.conf"
    "$hecate" table --train "$scratch/train.csv" --test "$scratch/test.csv" --heads "$scratch/income.conf" \
        --out "$scratch/model"
    trees census "$scratch/train.csv" "$scratch/test.csv" "${scores[@]}"
    ;;
*) fail "trees.sh knows handbook, bank, sparkov and census, not $task" ;;
esac
