#!/usr/bin/env python3
"""Counts what became of alerts, from the topics alone, and holds /metrics against it.

usage: outcomes.py ALERTS EVENTS METRICS

Mature alerts of the last 7, 30 and 90 days by verdict, frauds without an alert, and the control
group's estimate; "now" is the newest alert's event time and what has passed since it was made.
"""
import json
import math
import sys
import time

DAY = 86400000
DELAY = 7 * DAY
PAYMENTS, SCORED = ("card_auth", "transfer"), ("card_auth", "transfer", "login", "account_change")
OTHERS = {"card_auth": ("05", "55"), "transfer": ("05", "55", "56", "57")}


def verdict_for(head, event_type, label):
    """True: a fraud of the head's kind; False: genuine; None: neither."""
    if event_type not in (PAYMENTS if head == "card_fraud" else SCORED) or label is None:
        return None
    if label["label"] != "fraud":
        return False if label["label"] == "genuine" else None
    kind = label.get("fraud_type", "")
    mine = {"card_fraud": lambda: kind not in OTHERS[event_type],
            "ato": lambda: kind in ("05", "55"), "anomaly": lambda: True}[head]()
    return True if mine else None


alerts = list(map(json.loads, open(sys.argv[1])))
labels = {}
for line in open(sys.argv[2]):
    if '"label"' in line:
        event = json.loads(line)
        before = labels.get(event["target_event_id"])
        if before is None or event["event_time_ms"] >= before["event_time_ms"]:
            labels[event["target_event_id"]] = event
newest = max(alerts, key=lambda a: a["event"]["event_time_ms"])
now = newest["event"]["event_time_ms"] + time.time() * 1000 - newest["created_at_ms"]
wanted, immature, control = {}, {}, {}
heads = ("card_fraud", "ato", "anomaly")
for head in heads:
    immature[head] = 0
    control[head] = []
    for days in (7, 30, 90):
        wanted[head, days] = dict.fromkeys(("fraud", "genuine", "unlabelled", "missed"), 0)


def count(head, at_ms, what):
    for days in (7, 30, 90):
        wanted[head, days][what] += 0 <= now - DELAY - at_ms < days * DAY


alerted = set()
for alert in alerts:
    head, event = alert["head"], alert["event"]
    alerted.add((head, event["event_id"]))
    if now - DELAY < event["event_time_ms"]:
        immature[head] += 1
        continue
    label = labels.get(event["event_id"])
    verdict = verdict_for(head, event["event_type"], label)
    count(head, event["event_time_ms"],
          "unlabelled" if verdict is None else "fraud" if verdict else "genuine")
    if alert.get("sampling", {}).get("control_group") and (label is None or verdict is not None):
        if now - DELAY - event["event_time_ms"] < 90 * DAY:
            control[head].append((1 / alert["sampling"]["propensity"], bool(verdict)))
for event_id, label in labels.items():
    for head in heads:
        if (head, event_id) not in alerted and verdict_for(head, label.get("target_event_type"), label):
            count(head, label["target_event_time_ms"], "missed")

shown = {}
for line in open(sys.argv[3]):
    if not line.startswith("#"):
        name, value = line.rsplit(" ", 1)
        shown[name] = float(value)
bad = []


def expect(name, value):
    if name not in shown or not (abs(shown[name] - value) < 2e-6 or math.isnan(shown[name]) and math.isnan(value)):
        bad.append(f"{name}: {shown.get(name)}, the topics say {value}")


def ratio(part, rest):
    return part / (part + rest) if part + rest else math.nan


told = 0
for (head, days), counts in wanted.items():
    if not any(h == head for h, _ in alerted):
        continue  # it may be off, and then misses nothing
    where = f'head="{head}",window="{days}d"'
    for what, number in counts.items():
        expect(f'hecate_alert_outcomes{{{where},outcome="{what}"}}', number)
    expect(f"hecate_live_precision_ratio{{{where}}}", ratio(counts["fraud"], counts["genuine"]))
    expect(f"hecate_live_recall_ratio{{{where}}}", ratio(counts["fraud"], counts["missed"]))
    told += counts["fraud"] + counts["genuine"]
for head in heads:
    expect(f'hecate_alerts_not_yet_mature{{head="{head}"}}', immature[head])
    expect(f'hecate_control_group_mature{{head="{head}"}}', len(control[head]))
    weight = sum(w for w, _ in control[head])
    frauds = sum(w for w, fraud in control[head] if fraud)
    expect(f'hecate_control_precision_ratio{{head="{head}",bound="estimate"}}',
           frauds / weight if weight else math.nan)
if bad or not told:
    sys.exit("\n".join(bad) or "no alert has a verdict")
print(f"{told} verdicts in the windows; control group of {sum(map(len, control.values()))}")
