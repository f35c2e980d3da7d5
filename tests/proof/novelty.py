"""Leaves one kind of fraud out of training and asks who finds it: the anomaly head, the supervised
heads, and an isolation forest on the same rows.

    novelty.py cut    EVENTS.ndjson TRUTH.csv KIND UNTIL_MS OUT.ndjson
    novelty.py judge  TRUTH.csv KIND TRAIN_FROM_MS TRAIN_TO_MS TEST_FROM_MS TEST_TO_MS FEATURES.csv NAME=SCORES.csv ...

TRUTH.csv has event_id and pattern, '' or absent for genuine events. cut drops the kind's events
before UNTIL_MS and its labels at any time. judge takes the kind against genuine events; crimes of
other kinds, and what is neither, are left out. The forest learns rows of the training window that
no label calls fraud, as the anomaly head does.
"""
import csv
import json
import sys


def patterns(path):
    return {row["event_id"]: row["pattern"] for row in csv.DictReader(open(path)) if row["pattern"]}


def cut(events, truth, kind, until, out):
    pattern, dropped = patterns(truth), 0
    with open(out, "w") as to:
        for line in open(events):
            event = json.loads(line)
            target = event.get("target_event_id")
            if pattern.get(target or event["event_id"]) == kind and (target or event["event_time_ms"] < int(until)):
                dropped += 1
                continue
            to.write(line)
    print(f"{kind}: {dropped} events and labels dropped", file=sys.stderr)


def figures(score, label):
    import numpy
    from sklearn.metrics import average_precision_score, roc_auc_score

    order = numpy.sort(score[label == 0])
    found = [(score[label == 1] > order[int(len(order) * (1 - rate))]).mean() for rate in (0.001, 0.01)]
    return (f"AUC {roc_auc_score(label, score):.3f}  AP {average_precision_score(label, score):.3f}  "
            f"recall at FPR .001 {found[0]:.3f}, .01 {found[1]:.3f}")


def judge(truth, kind, train_from, train_to, test_from, test_to, features, *scores):
    import numpy
    from sklearn.ensemble import IsolationForest

    pattern = patterns(truth)
    train_from, train_to, test_from, test_to = map(int, (train_from, train_to, test_from, test_to))
    train, test, ids, label = [], [], [], []
    with open(features) as file:
        rows = csv.reader(file)
        next(rows)
        for row in rows:
            at, what = int(row[2]), pattern.get(row[0], "")
            if train_from <= at < train_to and what == "":
                train.append([float(cell) if cell else numpy.nan for cell in row[4:]])
            elif test_from <= at < test_to and what in ("", kind):
                test.append([float(cell) if cell else numpy.nan for cell in row[4:]])
                ids.append(row[0])
                label.append(what == kind)
    train, test, label = numpy.array(train), numpy.array(test), numpy.array(label, dtype=int)
    print(f"{kind}: {label.sum()} among {len(label)} events")
    if label.sum() < 3:
        print("  too few to judge")
        return
    usual = numpy.nan_to_num(numpy.nanmedian(train, axis=0))
    fill = lambda x: numpy.where(numpy.isnan(x), usual, x)
    forest = IsolationForest(n_estimators=100, random_state=1).fit(fill(train))
    print(f"  {'isolation forest':<34} {figures(-forest.score_samples(fill(test)), label)}")
    for text in scores:
        name, path = text.split("=", 1)
        table = {row["event_id"]: row for row in csv.DictReader(open(path))}
        for head in ("anomaly", "card_fraud", "ato"):
            of = [table[event][head] for event in ids]
            if sum(cell != "" for cell in of) < len(of) / 2:
                continue
            seen = numpy.array([float(cell) if cell else 0.0 for cell in of])
            if seen.max() > seen.min():
                print(f"  {name + ', ' + head:<34} {figures(seen, label)}")


{"cut": cut, "judge": judge}[sys.argv[1]](*sys.argv[2:])
