#!/bin/bash
# One kind of fraud is left out of training; who finds it? For each of the handbook's three scenarios
# and for kinds of a made-up bank: the anomaly head beside an isolation forest on the same rows, with
# the decoder's gradient stopped and shared; and what sharing costs the fraud head.
#
#   novelty.sh [handbook|bank]      default both
. "$(dirname "$0")/../integration/lib.sh"
. "$(dirname "$0")/learning_lib.sh"
need python3 xz
data=$source/../shared/data/handbook/transactions.csv.xz
python_with numpy scikit-learn
novelty() { "$python" "$source/tests/proof/novelty.py" "$@"; }
ms() { date -u -d "$1" +%s000; }
cd "$scratch"

# NAME KIND FROM TO KNOWN END [FLAG...]: events.ndjson and truth.csv stand
leave_out() {
    local kind=$1 from=$2 to=$3 known=$4 end=$5
    shift 5
    novelty cut events.ndjson truth.csv "$kind" "$(ms "$known")" cut.ndjson
    for grad in stop share; do
        "$hecate" train "$@" --data cut.ndjson --out $grad.m --train-from "$from" --train-to "$to" --known-at "$known" \
            --anomaly-grad $grad >/dev/null 2>&1
        "$hecate" score --model $grad.m --data cut.ndjson --out $grad.csv 2>/dev/null
    done
    "$hecate" features "$@" --data cut.ndjson --out features.csv 2>/dev/null
    novelty judge truth.csv "$kind" "$(ms "$from")" "$(ms "$to")" "$(ms "$known")" "$(ms "$end")" features.csv \
        stop=stop.csv share=share.csv
}

if [ "${1:-handbook}" = handbook ]; then
    [ -f "$data" ] || skip "there is no $data; it is the published set of the handbook's simulator"
    # From May on: thirty days of history are enough for its windows.
    xz -dc "$data" >all.csv
    "$hecate" import handbook --in all.csv --out all.ndjson 2>/dev/null
    awk -F, 'NR == 1 { print "event_id,pattern"; next } $5 > 0 { print "t" NR - 2 ",scenario_" $5 }' all.csv >truth.csv
    from=$(ms 2018-06-20) to=$(ms 2018-08-15)
    awk -v from="$from" -v to="$to" 'match($0, /"event_time_ms":[0-9]+/) { t = substr($0, RSTART + 16, RLENGTH - 16) + 0
        if (t >= from && t < to) print }' all.ndjson >events.ndjson
    rm all.csv all.ndjson
    for scenario in 1 2 3; do
        leave_out scenario_$scenario 2018-07-25 2018-08-01 2018-08-08 2018-08-15 --features "$source/conf/features-handbook.conf"
    done
    "$hecate" compare --data events.ndjson --features "$source/conf/features-handbook.conf" --train-from 2018-07-25 \
        --folds 1 --seeds 4 --arm "stop:" "share: --anomaly-grad share" 2>/dev/null
fi
if [ "${1:-bank}" = bank ]; then
    "$hecate" gen --users 2000 --days 50 --seed 31 --out events.ndjson --truth truth.csv
    for kind in mule_burst skimming card_testing credential_stuffing phishing; do
        leave_out $kind 2025-01-13 2025-02-03 2025-02-10 2025-03-01
    done
fi
