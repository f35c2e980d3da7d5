#!/usr/bin/env python3
"""Holds the live score records against the offline score and feature files.

usage: parity.py PARTITIONS LIVE.ndjson SCORES.csv FEATURES.csv DEAD_LETTERS

Every scored event once, no more and no less; probabilities within 1e-4 with one partition; features
of owned entities (user, card) and of the event itself equal to the bit with any number; both but for
rows that say of themselves that they are degraded. Shared ones (terminal and so on) are counted and
measured, for a live reader sees others' shards as of when it looked. Of all live rows at most the
share DEGRADED_MAX (environment; 0) may say so.
"""
import csv
import json
import math
import os
import struct
import sys

SHARED = ("terminal_", "merchant_", "device_", "ip_")
HEADS = ("card_fraud", "ato", "anomaly")


def as_float(text):
    return float("nan") if text in (None, "", "nan") else float(text)


def same(live, offline):
    """Bit for bit as floats; the file has nine digits, which is enough to tell floats apart."""
    if math.isnan(live) or math.isnan(offline):
        return math.isnan(live) and math.isnan(offline)
    return struct.pack("f", live) == struct.pack("f", offline)


def main():
    partitions = int(sys.argv[1])
    live, offsets, repeated = {}, set(), 0
    for line in open(sys.argv[2]):
        record = json.loads(line)
        place = (record["source"]["partition"], record["source"]["offset"])
        repeated += place in offsets or record["event_id"] in live
        offsets.add(place)
        # Little is kept of each: a soak has millions.
        live[record["event_id"]] = (
            [record.get("heads", {}).get(head, {}).get("probability") for head in HEADS],
            bool(record.get("degraded")), record.get("features"))
    missing = rows = differing_scores = degraded_scores = 0
    worst = 0.0
    seen = set()
    for row in csv.DictReader(open(sys.argv[3])):
        rows += 1
        seen.add(row["event_id"])
        record = live.get(row["event_id"])
        if record is None:
            missing += 1
            continue
        probabilities, is_degraded, _ = record
        for head, online in zip(HEADS, probabilities):
            offline = row.get(head) or ""
            if (offline == "") != (online is None):
                missing += 1
                continue
            if offline:
                difference = abs(float(offline) - online)
                if is_degraded:
                    degraded_scores += difference > 1e-4
                    continue
                worst = max(worst, difference)
                differing_scores += difference > 1e-4
    extra = sum(1 for event_id in live if event_id not in seen)
    owned = shared = shared_rows = 0
    shared_worst = 0.0
    reader = csv.reader(open(sys.argv[4]))
    header = next(reader)
    names = header[4:]
    for row in reader:
        _, is_degraded, values = live.get(row[0]) or (None, False, None)
        if values is None:
            continue
        if is_degraded:
            continue
        hit = False
        for name, text, value in zip(names, row[4:], values):
            online, offline = as_float_hex(value), as_float(text)
            if same(online, offline):
                continue
            if name.startswith(SHARED):
                shared += 1
                hit = True
                if not (math.isnan(online) or math.isnan(offline)):
                    shared_worst = max(shared_worst, abs(online - offline))
            else:
                owned += 1
                if owned <= 3:
                    print(f"  {row[0]} {name}: live {online!r}, offline {offline!r}")
        shared_rows += hit
    print(f"scored events: {rows} offline, {len(live)} live; missing {missing}, extra {extra}, "
          f"repeated {repeated}; dead letters {sys.argv[5]}")
    print(f"scores: worst difference {worst:.2g}, above 1e-4: {differing_scores}")
    if degraded_scores:
        print(f"scores that differ in rows that say they are degraded: {degraded_scores}")
    print(f"features of the event, user and card that differ: {owned}")
    print(f"rows with a shared feature that differs: {shared_rows} ({shared} values, worst {shared_worst:.4g})")
    degraded = sum(is_degraded for _, is_degraded, _ in live.values())
    allowed = float(os.environ.get("DEGRADED_MAX", "0"))
    if degraded:
        print(f"rows that say they are degraded: {degraded} of {len(live)}, at most {allowed:g} of all may")
    bad = (missing or extra or repeated or owned or degraded > allowed * len(live)
           or (partitions == 1 and (differing_scores or shared)))
    print("FAILED" if bad else "holds")
    return 1 if bad else 0


def as_float_hex(value):
    if value is None:
        return float("nan")
    return float.fromhex(value) if isinstance(value, str) else float(value)


if __name__ == "__main__":
    sys.exit(main())
