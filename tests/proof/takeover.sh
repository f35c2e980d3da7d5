#!/bin/bash
# What log-ins and account changes are worth to the takeover head of the bank stream: the model with
# every feature, and with none that counts log-ins or changes or reads a field that only they have.
# At least .10 of average precision must be lost.
#
#   takeover.sh [FOLDER]      default ../shared/data/bank; SEEDS=3
. "$(dirname "$0")/../integration/lib.sh"
data=${1:-$source/../shared/data/bank}
[ -f "$data/events.ndjson.zst" ] || skip "there is no $data/events.ndjson.zst"
need python3 zstd

# Filters whose events are log-ins or changes only, the features that use them, and these fields.
awk '
    /^filter / && match($0, /events = \{[^}]*\}/) {
        events = substr($0, RSTART, RLENGTH)
        if (events ~ /login|account_change/ && events !~ /card_auth|transfer/) { ours[$2]; next }
    }
    /^feature / {
        for (i = 1; i < NF; i++)
            if (($i ~ /^filter2?$/ && $(i + 2) in ours) ||
                ($i == "field" && $(i + 2) ~ /^(bot_score|auth_method|change_type)$/)) { gone++; next }
    }
    { print }
    END { print gone " features left out" > "/dev/stderr"; exit !gone }' \
    "$source/conf/features.conf" >"$scratch/without.conf"
cp "$source/conf/features.conf" "$scratch/with.conf"
zstd -dcq "$data/truth.csv.zst" >"$scratch/truth.csv"

for arm in with without; do
    for seed in $(seq "${SEEDS:-3}"); do
        "$hecate" train --data "$data/events.ndjson.zst" --features "$scratch/$arm.conf" --out "$scratch/model" \
            --train-from 2025-01-20 --train-to 2025-03-02 --known-at 2025-03-07 --valid-days 7 \
            --seed "$seed" >/dev/null
        "$hecate" score --model "$scratch/model" --data "$data/events.ndjson.zst" --out "$scratch/scores.csv"
        python3 "$source/tests/proof/judge.py" bank "$scratch/scores.csv" "$scratch/truth.csv" |
            awk -v arm="$arm" -v seed="$seed" '$1 == "ato" { print arm, seed, $5 }'
    done
done | tee "$scratch/told"
awk '{ sum[$1] += $3; n[$1]++ }
    END {
        lost = sum["with"] / n["with"] - sum["without"] / n["without"]
        printf "takeover head, mean AP: %.3f with, %.3f without; %.3f lost\n",
            sum["with"] / n["with"], sum["without"] / n["without"], lost
        exit lost < .10
    }' "$scratch/told" || fail "less than .10 of average precision is lost"
