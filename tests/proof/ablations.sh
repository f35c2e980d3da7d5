#!/bin/bash
# What each part of the recipe is worth on the handbook's validation folds, with the spread over
# seeds: numbers as rank quantiles or smoothly clipped (through `hecate table`, see ablations.py),
# then embedding, resampling, heads by kind of fraud and the two ways of not learning by heart
# (through `hecate compare`, paired by fold and seed).
#
#   ablations.sh        SEEDS=3
. "$(dirname "$0")/../integration/lib.sh"
data=$source/../shared/data/handbook/transactions.csv.xz
[ -f "$data" ] || skip "there is no $data"
need python3 xz
seeds=${SEEDS:-3}
features=$source/conf/features-handbook.conf

xz -dc "$data" | "$hecate" import handbook --in - --out "$scratch/events.ndjson"
"$hecate" features --data "$scratch/events.ndjson" --features "$features" --out "$scratch/rows.csv"
python3 "$source/tests/proof/ablations.py" "$scratch/rows.csv" "$scratch/events.ndjson" "$scratch" \
    2018-06-20 2018-06-27 2018-07-04 2018-07-11
echo 'head fraud { column = fraud values = {1} }' >"$scratch/heads.conf"
head -1 "$scratch/plain-0-train.csv" | sed 's/,fraud$//; s/.*/table { numeric = {&} }/' >>"$scratch/heads.conf"

for arm in plain rank clip; do
    for fold in 0 1 2 3; do
        for seed in $(seq "$seeds"); do
            "$hecate" table --train "$scratch/$arm-$fold-train.csv" --test "$scratch/$arm-$fold-test.csv" \
                --heads "$scratch/heads.conf" --out "$scratch/model" --seed "$seed" 2>/dev/null |
                awk -v arm="$arm" -v fold="$fold" -v seed="$seed" '/^fraud /{ap = $5} END {print arm, fold, seed, ap}'
        done
    done
done >"$scratch/table"
awk '{ sum[$1] += $4; square[$1] += $4 * $4; n[$1]++; pair[$2 " " $3 " " $1] = $4; key[$2 " " $3] }
    END {
        print "numbers as        mean AP   sd over folds and seeds   against plain, paired"
        for (i = 1; i <= split("plain rank clip", arm, " "); i++) {
            a = arm[i]; d = 0; worst = -1
            for (k in key) { x = pair[k " " a] - pair[k " plain"]; d += x; worst = x > worst ? x : worst }
            printf "%-16s %8.4f %25.4f %15.4f, at best %.4f\n", a, sum[a] / n[a],
                sqrt(square[a] / n[a] - (sum[a] / n[a])^2), d / n[a], worst
        }
    }' "$scratch/table"
# The two that must lose clearly: the mean of every pair, or the recipe is no longer what it was.
awk '{ ap[$1] += $4; n[$1]++ } END { exit !(ap["rank"] / n["rank"] < ap["plain"] / n["plain"] - .03 &&
    ap["clip"] / n["clip"] < ap["plain"] / n["plain"] - .005) }' "$scratch/table" ||
    fail "rank quantiles or smooth clipping do not lose"

"$hecate" compare --data "$scratch/events.ndjson" --features "$features" --train-from 2018-06-20 --folds 4 \
    --seeds "$seeds" --bootstrap 0 --arm "default:" --arm "no embedding: --num-embed none" \
    --arm "piecewise: --num-embed piecewise" --arm "all negatives: --negatives 100000" \
    --arm "ten negatives: --negatives 10" --arm "no heads by kind: --kind-weight 0" \
    --arm "no dropout: --dropout 0"
