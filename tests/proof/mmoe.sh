#!/bin/bash
# The MMoE paper's synthetic experiment by our own trainer: whether its three claims hold, with a page
# of plots. About a second a training and core; nine trainings a run.
#
#   mmoe.sh [RUNS]        default 60; the page is build/proof-mmoe.html
. "$(dirname "$0")/../integration/lib.sh"
need python3
runs=${1:-60} rows=50000 epochs=8 batch=128 rate=0.003 sines=2
ninja -C "$build" tests/proof/proof-mmoe >/dev/null
"$build/tests/proof/proof-mmoe" "$runs" $rows $epochs $batch $rate $sines >"$scratch/errors.csv"
python3 "$source/tests/proof/mmoe.py" "$scratch/errors.csv" "$build/proof-mmoe.html" \
    "$rows rows, $epochs epochs, batch $batch, Adam at $rate with a cosine, y with $sines sines"
