"""After a hundred reloads: each score is that of the model which its record names, each alert has
that model's thresholds, and the models changed no more often than somebody reloaded.

reload.py DIR SHA_A SHA_B       scores, alerts, offline.a.csv, offline.b.csv stand in DIR
"""

import csv
import json
import sys

folder, sha_a, sha_b = sys.argv[1:]
THRESHOLDS = {sha_a: {"card_fraud": 301, "ato": 302}, sha_b: {"card_fraud": 401, "ato": 402}}
RELOADS = 102


def fail(sentence):
    sys.exit(f"failed: {sentence}")


def lines(name):
    return [json.loads(line) for line in open(f"{folder}/{name}")]


def full(sha):
    """Score records name the first digits."""
    found = [known for known in THRESHOLDS if known.startswith(sha)]
    return found[0] if len(found) == 1 else fail(f"an unknown model: {sha}")


offline = {}
for sha, name in ((sha_a, "a"), (sha_b, "b")):
    with open(f"{folder}/offline.{name}.csv") as table:
        offline[sha] = {row["event_id"]: row for row in csv.DictReader(table)}

scores = [record for record in lines("scores") if record["outcome"] in ("scored", "late_scored")]
scores = sorted(scores, key=lambda r: (r["source"]["partition"], r["source"]["offset"]))
model_of, runs, worst, told_apart = {}, 1, 0.0, 0
for before, record in zip([None] + scores, scores):
    sha = full(record["model"])
    event = record["event_id"]
    if event in model_of:
        fail(f"{event} was scored twice")
    model_of[event] = sha
    runs += before is not None and full(before["model"]) != sha
    other = sha_b if sha == sha_a else sha_a
    for head, said in record["heads"].items():
        value = said["probability"]
        expected = float(offline[sha][event][head])
        worst = max(worst, abs(value - expected))
        told_apart += abs(value - float(offline[other][event][head])) > 1e-3
    if set(record["heads"]) != {h for h in ("card_fraud", "ato", "anomaly") if offline[sha][event][h]}:
        fail(f"{event} has other heads than offline")
if worst > 1e-4:
    fail(f"a score is {worst} away from that of the model that its record names")
if told_apart < len(scores) / 4:
    fail("the two models score too much alike for this to show anything")
if not 50 <= runs <= RELOADS:
    fail(f"the model changed {runs - 1} times along the log: more often than it was reloaded, or too seldom")

alerts = lines("alerts")
for alert in alerts:
    sha = alert["model"]["sha256"]
    if sha != model_of[alert["event"]["event_id"]]:
        fail("an alert and the score of its event name two models")
    for head, threshold in THRESHOLDS[sha].items():
        if head in alert["scores"] and alert["scores"][head]["threshold"] != threshold:
            fail(f"an alert of one model has the other's threshold: {alert['scores']}")
if len(alerts) < 50 or len({a["model"]["sha256"] for a in alerts}) != 2:
    fail(f"{len(alerts)} alerts of one model are too few to show anything")
print(f"{len(scores)} scores, {len(alerts)} alerts, {runs} runs of one model, worst {worst:.1e}")
