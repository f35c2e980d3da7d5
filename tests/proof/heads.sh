#!/bin/bash
# What heads do to each other on the handbook's test folds, paired by fold and seed:
#   two heads (terminal compromise, leaked credentials) on one trunk against each alone, with the same
#   negatives and without heads by kind of fraud;
#   the novelty's gradient stopped before the trunk against let in (--anomaly-grad).
#
#   heads.sh      FOLDS=4 SEEDS=5, and SINCE=2018-04-01: history before is not read
. "$(dirname "$0")/../integration/lib.sh"
data=$source/../shared/data/handbook/transactions.csv.xz
[ -f "$data" ] || skip "there is no $data"
need xz
last=$(date -u -d "2018-07-25 + $((7 * (${FOLDS:-4} + 2))) days" +%F)
since=$(($(date -u -d "${SINCE:-2018-04-01}" +%s) - $(date -u -d 2018-04-01 +%s)))
last=$(($(date -u -d "$last" +%s) - $(date -u -d 2018-04-01 +%s)))

xz -dc "$data" | awk -F, -v since="$since" -v last="$last" 'NR == 1 || ($1 >= since && $1 < last)' |
    "$hecate" import handbook --in - --out "$scratch/events.ndjson"
printf 'head %s {\n events = {card_auth}\n positive = {"* %s"}\n others = negative\n}\n' \
    terminal 04 leaked 06 >"$scratch/heads.conf"
common=(--data "$scratch/events.ndjson" --features "$source/conf/features-handbook.conf"
    --train-from 2018-07-25 --folds "${FOLDS:-4}" --seeds "${SEEDS:-5}" --bootstrap 0)
"$hecate" compare "${common[@]}" --heads "$scratch/heads.conf" --kind-weight 0 --arm "both:" \
    --arm "terminal: --only terminal" --arm "leaked: --only leaked"
echo
"$hecate" compare "${common[@]}" --arm "stop:" --arm "share: --anomaly-grad share"
