#!/usr/bin/env python3
"""Writes metrics_fixture.h: what scikit-learn says of a few small lists of scores.

    python3 tests/data/metrics_fixture.py > tests/data/metrics_fixture.h

Needs numpy and scikit-learn (made with 1.9). Scores are float32 and given exactly, as hex floats.
"""
import textwrap

import numpy as np
from sklearn import metrics

rng = np.random.default_rng(1)


def cases():
    label = (rng.random(60) < 0.2).astype(int)
    yield "spread", np.clip(rng.normal(0.3 + 0.3 * label, 0.2), 0, 1), label
    label = (rng.random(60) < 0.4).astype(int)
    yield "tied", np.round(np.clip(rng.normal(0.4 + 0.2 * label, 0.2), 0, 1) * 5) / 5, label
    yield "one score", np.full(20, 0.25), (np.arange(20) % 4 == 0).astype(int)
    yield "perfect", np.linspace(0, 1, 16), (np.arange(16) >= 12).astype(int)
    yield "upside down", np.linspace(1, 0, 16), (np.arange(16) >= 12).astype(int)
    yield "one positive", rng.random(50), (np.arange(50) == 17).astype(int)
    yield "all positive", rng.random(12), np.ones(12, int)
    yield "no positive", rng.random(12), np.zeros(12, int)


# What scikit-learn answers with a warning and a number of its choice is undefined here: NaN.
def defined(label, metric, value):
    two = 0 < sum(label) < len(label)
    one = {"ap": sum(label) > 0, "auc": two, "rates": two, "recall": sum(label) > 0}
    return value() if one.get(metric, True) else np.nan


def recall_at(label, score, most):
    fpr, tpr, _ = metrics.roc_curve(label, score, drop_intermediate=False)
    return tpr[fpr <= most].max()


def ece(label, score, bins):
    """Rows of one probability share their positives evenly among the bins that they fall in."""
    order = np.argsort(-score, kind="stable")
    score, label = score[order], label[order].astype(float)
    for value in np.unique(score):
        label[score == value] = label[score == value].mean()
    of_bin = np.arange(len(score)) * bins // len(score)
    return sum(abs((score - label)[of_bin == b].sum()) for b in range(bins)) / len(score)


def number(value):
    return "NAN" if np.isnan(value) else f"{value:.17g}"


print("/* Made by metrics_fixture.py with scikit-learn; do not edit. */")
print("#ifndef TESTS_DATA_METRICS_FIXTURE_H\n#define TESTS_DATA_METRICS_FIXTURE_H\n")
print("/* clang-format off */")
print("static const struct {\n    const char *name;\n    int n;\n    float score[64];"
      "\n    unsigned char label[64];\n    double average_precision, roc_auc, recall_at_001,"
      " recall_at_1, recall_at_10,\n        precision, recall, f1, mcc, log_loss, brier, ece;\n} fixtures[] = {")
for name, score, label in cases():
    score = score.astype(np.float32)
    wide = score.astype(np.float64)
    alert = (score >= np.float32(0.5)).astype(int)
    values = [
        defined(label, "ap", lambda: metrics.average_precision_score(label, score)),
        defined(label, "auc", lambda: metrics.roc_auc_score(label, score)),
        defined(label, "rates", lambda: recall_at(label, score, 0.001)),
        defined(label, "rates", lambda: recall_at(label, score, 0.01)),
        defined(label, "rates", lambda: recall_at(label, score, 0.1)),
        metrics.precision_score(label, alert, zero_division=np.nan),
        defined(label, "recall", lambda: metrics.recall_score(label, alert)),
        metrics.f1_score(label, alert, zero_division=np.nan),
        metrics.matthews_corrcoef(label, alert),
        metrics.log_loss(label, score, labels=[0, 1]),
        metrics.brier_score_loss(label, wide),
        ece(label, wide, 15),
    ]
    print(f'    {{ "{name}", {len(score)},')
    scores = "{ " + ", ".join(f"{float(s).hex()}f" for s in score) + " },"
    labels = "{ " + ", ".join(str(int(l)) for l in label) + " },"
    results = ", ".join(number(float(v)) for v in values) + " },"
    for text in (scores, labels, results):
        print(textwrap.fill(text, 98, initial_indent=" " * 6, subsequent_indent=" " * 8))
print("};\n\n#endif")
