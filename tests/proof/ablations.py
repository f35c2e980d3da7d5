#!/usr/bin/env python3
"""Writes the handbook's folds as tables whose numbers are plain, rank quantiles or smoothly clipped.

usage: ablations.py ROWS.csv EVENTS.ndjson FOLDER FIRST_DAY...

Hecate scales a number as the signed log, standardised. For the other two arms a column is brought to
what the network is to see (the normal quantile of its rank in training; the standardised signed log
v as v / sqrt(1 + (v/3)^2)) and then through the inverse of the signed log, so that `hecate table`
scales it to just that. Test rows leave out cards known to be compromised, as everywhere.
"""
import csv
import datetime
import json
import math
import sys
from bisect import bisect_left, bisect_right
from statistics import NormalDist

DAY_MS = 86_400_000


def signed_log(x):
    return math.copysign(math.log1p(abs(x)), x)


def before_signed_log(v):
    return math.copysign(math.expm1(abs(v)), v)


def plain(column):
    return lambda x: x


def rank(column):
    order, normal = sorted(column), NormalDist()

    def to(x):
        middle = (bisect_left(order, x) + bisect_right(order, x)) / 2 / len(order)
        return before_signed_log(normal.inv_cdf(min(max(middle, 1e-5), 1 - 1e-5)))
    return to


def clip(column):
    logs = [signed_log(x) for x in column]
    mean = sum(logs) / len(logs)
    deviation = math.sqrt(sum((v - mean) ** 2 for v in logs) / len(logs)) or 1

    def to(x):
        v = (signed_log(x) - mean) / deviation
        return before_signed_log(v / math.sqrt(1 + (v / 3) ** 2))
    return to


def read(rows_file, events_file):
    frauds, first_known = set(), []
    for line in open(events_file):
        if '"event_type":"label"' in line:
            label = json.loads(line)
            frauds.add(label["target_event_id"])
            first_known.append((label["user_token"], label["target_event_time_ms"], label["event_time_ms"]))
    reader = csv.reader(open(rows_file))
    names = next(reader)[4:]
    rows = [(int(r[2]), r[3], r[0] in frauds, [float(x) for x in r[4:]]) for r in reader]
    return names, rows, first_known


def write(name, names, rows, to):
    with open(name, "w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(names + ["fraud"])
        for _, _, fraud, x in rows:
            writer.writerow([f"{to[j](v):.7g}" for j, v in enumerate(x)] + [int(fraud)])


def main(rows_file, events_file, folder, *first_days):
    names, rows, reports = read(rows_file, events_file)
    for fold, text in enumerate(first_days):
        utc = datetime.timezone.utc
        start = int(datetime.datetime.fromisoformat(text).replace(tzinfo=utc).timestamp()) * 1000
        known = {}
        for user, at, arrived in reports:
            if at >= start:
                known[user] = min(arrived, known.get(user, arrived))
        train = [r for r in rows if start <= r[0] < start + 7 * DAY_MS]
        test = [r for r in rows if start + 14 * DAY_MS <= r[0] < start + 21 * DAY_MS
                and known.get(r[1], math.inf) >= r[0] // DAY_MS * DAY_MS]
        columns = list(zip(*(r[3] for r in train)))
        for arm in (plain, rank, clip):
            to = [arm(column) for column in columns]
            write(f"{folder}/{arm.__name__}-{fold}-train.csv", names, train, to)
            write(f"{folder}/{arm.__name__}-{fold}-test.csv", names, test, to)


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
