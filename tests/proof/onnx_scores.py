#!/usr/bin/env python3
"""Scores of an exported model in onnxruntime beside those of hecate score.

onnx_scores.py MODEL.onnx FEATURES.csv SCORES.csv NAME
"""
import csv
import sys

import numpy
import onnx
import onnxruntime

TOLERANCE = 1e-5


def main():
    model_path, features_path, scores_path, name = sys.argv[1:5]
    model = onnx.load(model_path)
    onnx.checker.check_model(model, full_check=True)
    width = {i.name: i.type.tensor_type.shape.dim[1].dim_value for i in model.graph.input}
    heads = {p.key: p.value for p in model.metadata_props}["heads"].split()
    with open(features_path) as rows:
        rows = list(csv.reader(rows))[1:]
    n = width["numeric"]
    numeric = numpy.array([[float(c) if c else float("nan") for c in r[4:4 + n]] for r in rows],
                          numpy.float32)
    category = numpy.array([[int(c) if c else 0 for c in r[4 + n:]] for r in rows], numpy.int64)
    assert category.shape[1] == width["category"], (category.shape, width)
    session = onnxruntime.InferenceSession(model_path, providers=["CPUExecutionProvider"])
    score, representation = session.run(["score", "representation"],
                                        {"numeric": numeric, "category": category})
    with open(scores_path) as expected:
        expected = list(csv.DictReader(expected))
    assert len(expected) == len(score)
    worst, compared = 0.0, 0
    for k, head in enumerate(heads):
        for row, told in zip(score, expected):
            if told[head]:
                worst = max(worst, abs(float(row[k]) - float(told[head])))
                compared += 1
    print(f"{name:40s} {len(model.graph.node):4d} nodes, {compared} scores, largest difference "
          f"{worst:.1e}")
    if not (worst <= TOLERANCE and compared > 1000 and numpy.isfinite(representation).all()):
        sys.exit(f"{name}: {worst} is more than {TOLERANCE}")


main()
