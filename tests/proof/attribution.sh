#!/bin/bash
# What explanations promise, on a made-up bank's events that the model has not trained on: that they
# add up, are exact on a linear model, name what the score rests on, and go when the weights go.
. "$(dirname "$0")/../integration/lib.sh"
ninja -C "$build" tests/proof/proof-attribution >/dev/null
cd "$scratch"
"$hecate" gen --users 1500 --days 50 --seed 11 --out events.ndjson
for seed in 1 2; do
    "$hecate" train --data events.ndjson --out $seed.safetensors --train-from 2025-01-13 --train-to 2025-02-10 --seed $seed
done
"$hecate" features --data events.ndjson --out features.csv
"$build/tests/proof/proof-attribution" 1.safetensors 2.safetensors features.csv
