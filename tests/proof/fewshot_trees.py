#!/usr/bin/env python3
"""Trees on the rows of `hecate fewshot --rows-out`: the same frauds, the same others, the same test.

fewshot_trees.py ROWS_DIR OUT.csv

Each family has a few settings and is told with the one that is best on the *test* rows, number of
shots by number of shots: more than a user could know, in favour of the trees.
"""
import csv
import os
import sys
import warnings

import lightgbm
import numpy
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import average_precision_score, roc_auc_score

warnings.filterwarnings("ignore")
JOBS = int(os.environ.get("JOBS", "1"))


def lgb(**settings):
    return lambda seed: lightgbm.LGBMClassifier(n_jobs=JOBS, verbose=-1, random_state=seed,
                                                deterministic=True, force_row_wise=True, **settings)


def forest(**settings):
    return lambda seed: RandomForestClassifier(n_estimators=200, n_jobs=JOBS, random_state=seed,
                                               **settings)


FAMILIES = {
    "lightgbm": [lgb(n_estimators=100, learning_rate=0.1, num_leaves=31),
                 lgb(n_estimators=100, learning_rate=0.05, num_leaves=7, min_child_samples=3),
                 lgb(n_estimators=50, learning_rate=0.1, num_leaves=4, min_child_samples=1,
                     reg_lambda=5)],
    "random forest": [forest(max_depth=8, class_weight="balanced_subsample"),
                      forest(min_samples_leaf=2, max_features=0.5)],
}


def main():
    folder, out = sys.argv[1:3]
    with open(os.path.join(folder, "rows.csv")) as rows:
        header = rows.readline().rstrip("\n").split(",")
        part, data = [], []
        for line in rows:
            cells = line.rstrip("\n").split(",")
            part.append(cells[1] == "test")
            data.append([float("nan") if c == "" else float(c) for c in cells[:1] + cells[2:]])
    data, test = numpy.array(data), numpy.array(part)
    assert len(header) == data.shape[1] + 1
    number, target, x = data[:, 0].astype(int), data[:, 1], data[:, 2:]
    shots = {}
    with open(os.path.join(folder, "shots.csv")) as lines:
        for row in csv.DictReader(lines):
            shots.setdefault((int(row["seed"]), int(row["shots"])), []).append(int(row["row"]))
    others = numpy.flatnonzero(~test & (target == 0))
    place = {n: i for i, n in enumerate(number) if not test[i]}
    # A forest over all ordinary rows would take hours for what a tenth of them tell as well.
    few = numpy.random.default_rng(1).permutation(others)[:30000]
    with open(out, "w") as to:
        to.write("arm,shots,seed,average_precision,roc_auc,train_s\n")
        for family, settings in FAMILIES.items():
            for count in sorted({n for _, n in shots}):
                best = None
                for make in settings:
                    told = []
                    for seed in sorted({s for s, n in shots if n == count}):
                        frauds = [place[row] for row in shots[seed, count]]
                        rows = numpy.concatenate([few, frauds])
                        model = make(seed).fit(x[rows], target[rows] > 0)
                        score = model.predict_proba(x[test])[:, 1]
                        told.append((seed, average_precision_score(target[test] > 0, score),
                                     roc_auc_score(target[test] > 0, score)))
                    mean = sum(t[1] for t in told)
                    best = max(best or (mean, told), (mean, told))
                for seed, ap, auc in best[1]:
                    to.write(f"{family},{count},{seed},{ap:.6f},{auc:.6f},\n")
                to.flush()


main()
