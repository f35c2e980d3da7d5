#!/bin/bash
# Few shots, told honestly: how well a kind of fraud that the trunk never saw is found from 5 to 200
# examples, by what the head starts from, beside training from scratch and beside trees. Same frauds,
# same others, same later test rows, paired seeds, 95 % intervals. Held out are, one at a time,
#
#   leaked    scenario 3 of the Fraud Detection Handbook (../shared/data/handbook)
#   terminal  its scenario 2
#   sim_swap  one takeover pattern of hecate gen
#
#   fewshot.sh [leaked|terminal|sim_swap ...]     SEEDS=5 SHOTS='5 10 20 50 100 200' WORKERS=2
#
# Leaves build/fewshot/report.html, and the numbers beside it.
. "$(dirname "$0")/../integration/lib.sh"
. "$(dirname "$0")/learning_lib.sh"
need python3
python_with numpy scikit-learn lightgbm
out=$build/fewshot
mkdir -p "$out"
seeds=${SEEDS:-5} shots=${SHOTS:-5 10 20 50 100 200} workers=${WORKERS:-2}
titles=()

# The arms, from a model of the other crimes, one of no labels, and one of the other kinds.
# study NAME DATA BEFORE WINDOW TYPE: BEFORE and WINDOW are flags of the earlier and the later time.
study() {
    local name=$1 data=$2 before=$3 window=$4 type=$5
    cd "$scratch"
    "$hecate" train --data "$data" $features --heads rest.conf --out base $before >/dev/null
    "$hecate" pretrain --data "$data" $features --out masked --epochs 20 $before
    "$hecate" pretrain --reptile --shots "${REPTILE_SHOTS:-20}" --without "$type" --data "$data" \
        $features --out reptile $before
    "$hecate" fewshot --data "$data" $features --heads heads.conf --new-head "$name" \
        --arm scratch: 'warm, frozen: --warm-start base --freeze-trunk' \
        'warm, slow trunk: --warm-start base' 'warm: --warm-start base --trunk-rate 1' \
        'masked: --warm-start masked --trunk-rate 1' \
        'reptile: --warm-start reptile --trunk-rate 1' \
        --shots $shots --seeds "$seeds" --workers "$workers" --out "$out/$name.csv" \
        --rows-out rows $window
    JOBS=$workers "$python" "$source/tests/proof/fewshot_trees.py" rows "$out/$name-trees.csv"
    titles+=("$name=$out/$name.csv,$out/$name-trees.csv")
}

handbook() {
    local transactions=$source/../shared/data/handbook/transactions.csv.xz
    [ -f "$transactions" ] || skip "there is no $transactions"
    features="--features $source/conf/features-handbook.conf"
    if [ ! -f "$scratch/handbook.ndjson" ]; then
        xz -dc "$transactions" >"$scratch/transactions.csv"
        "$hecate" import handbook --in "$scratch/transactions.csv" --out "$scratch/all.ndjson" >/dev/null
        awk -F '"event_time_ms":' '{ split($2, t, ","); if (t[1] + 0 >= 1534982400000) exit; print }' \
            "$scratch/all.ndjson" >"$scratch/handbook.ndjson"
        rm "$scratch/all.ndjson"
    fi
}

for name in ${@:-leaked terminal sim_swap}; do
    case $name in
    leaked) handbook; type=06 others='01 04' ;;
    terminal) handbook; type=04 others='01 06' ;;
    sim_swap)
        features= type=51
        "$hecate" gen --users 3000 --days 90 --seed 11 --out "$scratch/gen.ndjson" --truth "$scratch/truth.csv"
        # The labels do not tell the patterns apart: those of one get a fraud type of their own.
        python3 - "$scratch" <<'END'
import csv, json, sys
folder = sys.argv[1]
of = {r["event_id"] for r in csv.DictReader(open(folder + "/truth.csv")) if r["pattern"] == "sim_swap"}
with open(folder + "/gen.ndjson") as lines, open(folder + "/bank.ndjson", "w") as to:
    for line in lines:
        if '"target_event_id"' in line:
            event = json.loads(line)
            if event["target_event_id"] in of and event.get("label") == "fraud":
                event["fraud_type"] = "51"
                line = json.dumps(event) + "\n"
        to.write(line)
END
        ;;
    *) fail "there is no $name to hold out" ;;
    esac
    if [ "$name" = sim_swap ]; then
        printf 'head card_fraud {\n events = {card_auth, transfer}\n positive_except = {"transfer 05 51 55 56 57", "card_auth 05 51 55"}\n}\nhead ato {\n positive = {"* 05 55"}\n}\n' >"$scratch/rest.conf"
        printf 'head sim_swap {\n positive = {"* 51"}\n}\n' >"$scratch/heads.conf"
        study sim_swap bank.ndjson '--train-from 2025-01-13 --train-to 2025-02-10 --known-at 2025-02-17' \
            '--train-from 2025-01-13 --train-to 2025-02-24 --known-at 2025-03-03 --test-from 2025-03-03 --test-to 2025-03-29' "$type"
    else
        printf 'head card_fraud {\n events = {card_auth}\n positive = {"* %s"}\n}\n' "$others" >"$scratch/rest.conf"
        printf 'head %s {\n events = {card_auth}\n positive = {"* %s"}\n}\n' "$name" "$type" >"$scratch/heads.conf"
        study "$name" handbook.ndjson '--train-from 2018-07-04 --train-to 2018-07-18 --known-at 2018-07-25' \
            '--train-from 2018-07-18 --train-to 2018-08-01 --known-at 2018-08-08 --test-from 2018-08-08 --test-to 2018-08-15' "$type"
    fi
done
"$python" "$source/tests/proof/fewshot_report.py" "$out/report.html" "${titles[@]}"
