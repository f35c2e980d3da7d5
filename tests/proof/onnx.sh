#!/bin/bash
# hecate model export --onnx: for every architecture, fusion and embedding of numbers, onnx's checker
# takes the file, and onnxruntime gives the scores of hecate score within 1e-5 over a simulated
# bank's events, missing numbers and absent categories included.
. "$(dirname "$0")/../integration/lib.sh"
. "$(dirname "$0")/learning_lib.sh"
need python3
python_with numpy onnx onnxruntime
cd "$scratch"
"$hecate" gen --users "${USERS:-150}" --days 40 --seed 4 --out events.ndjson 2>/dev/null
"$hecate" features --data events.ndjson --out features.csv 2>/dev/null
tried=0
for how in '' '--num-embed piecewise' '--num-embed none' '--arch mmoe' '--arch cgc --fusion concat' \
    '--arch cross-stitch --fusion gated' '--arch attention' '--arch single --num-embed piecewise'; do
    "$hecate" train --data events.ndjson --out m --train-from 2025-01-13 --train-to 2025-02-01 \
        --known-at 2025-02-08 --epochs 2 $how >/dev/null 2>&1 || fail "no model with $how"
    "$hecate" model export m --onnx m.onnx
    "$hecate" score --model m --data events.ndjson --out scores.csv 2>/dev/null
    "$python" "$source/tests/proof/onnx_scores.py" m.onnx features.csv scores.csv "${how:-default}"
    tried=$((tried + 1))
done
echo "$tried kinds of model run in onnxruntime as they do here"
