#!/bin/bash
# The same seed gives the same bytes, model file and scores, with one worker and with two: folds,
# seeds, arms of a comparison and of a sweep. And what hecate train writes is what a fold learned.
. "$(dirname "$0")/lib.sh"
need jq
cd "$scratch"
"$hecate" gen --users 300 --days 50 --seed 4 --out e.ndjson 2>/dev/null
common=(--data e.ndjson --features "$source/conf/features-handbook.conf" --train-from 2025-01-06
    --epochs 2 --json)

# same TRAININGS COMMAND...: that many digests, all different, the same with one worker and with two.
same() {
    local trainings=$1 command=$2 workers
    shift 2
    for workers in 1 2; do
        "$hecate" "$command" "${common[@]}" "$@" --workers "$workers" >out 2>err ||
            fail "$command with $workers workers: $(cat err)"
        jq '.. | .trainings? // empty | .[]' out >"$command-$workers"
    done
    cmp -s "$command-1" "$command-2" ||
        fail "$command: digests depend on the workers: $(diff "$command-1" "$command-2")"
    for what in model_sha256 scores_sha256; do
        [ "$(jq -r ".$what" "$command-1" | grep -cE '^[0-9a-f]{64}$')" = "$trainings" ] &&
            [ "$(jq -r ".$what" "$command-1" | sort -u | wc -l)" = "$trainings" ] ||
            fail "$command: not $trainings different $what: $(cat "$command-1")"
    done
}
same 4 eval --train-days 14 --prequential --folds 2 --seeds 2 --bootstrap 0
same 4 compare --train-days 14 --folds 1 --seeds 2 --bootstrap 0 --arm "default:" "wide: --trunk-0 160"
same 2 sweep --train-days 30 --valid-days 10 --folds 1 --seeds 1 --weights 0.5 2

"$hecate" train --data e.ndjson --features "$source/conf/features-handbook.conf" --epochs 2 --seed 1 \
    --train-from 2025-01-06 --train-to 2025-01-20 --known-at 2025-01-27 --out model >/dev/null 2>&1
[ "$(sha256sum <model | cut -d' ' -f1)" = "$(jq -r '.model_sha256' eval-1 | head -1)" ] ||
    fail "hecate train makes another model than the first fold"
