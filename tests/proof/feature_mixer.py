#!/usr/bin/env python3
"""Makes a stream of hecate gen less well-behaved: repeats, holds back and reverses.

    feature_mixer.py IN.ndjson OUT.ndjson [SEED]

One in a hundred each: an event comes again up to 40 lines later; an event comes late, a tenth of
them by an hour. Two payments in a hundred are reversed, a third of them in part.
"""
import json
import random
import sys


def reversal(event, number, now_ms, rng):
    undo = {k: v for k, v in event.items() if k not in ("session_id", "recurring", "wallet")}
    part = rng.random() < 1 / 3 and event["amount_minor"] > 1
    undo.update(
        event_id=f"r{number}", event_type="reversal", event_time_ms=now_ms,
        target_event_id=event["event_id"], target_event_time_ms=event["event_time_ms"],
        target_event_type=event["event_type"], full=not part)
    if part:
        undo["amount_minor"] = event["amount_minor"] // 2
    return undo


def main():
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    with open(sys.argv[1], encoding="utf-8") as file:
        events = [json.loads(line) for line in file]
    places = []  # (where in the output, event)
    end = len(events) - 1
    for i, event in enumerate(events):
        chance = rng.random()
        at = float(i)
        if chance < 0.01:
            places.append((i + rng.randint(1, 40) + 0.5, event))
        elif chance < 0.02:
            # So many lines that the customer's next event has come before it, or not.
            now_ms = event["event_time_ms"]
            limit_ms = 3600000 if rng.random() < 0.1 else 250000
            j = i
            while j < end and events[j]["event_time_ms"] - now_ms < limit_ms:
                j += 1
            at = j + 0.25
        elif chance < 0.04 and event["event_type"] in ("card_auth", "transfer"):
            j = min(i + rng.randint(1, 3000), end)
            places.append((j + 0.75, reversal(event, i, events[j]["event_time_ms"], rng)))
        places.append((at, event))
    places.sort(key=lambda place: place[0])
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        for _, event in places:
            file.write(json.dumps(event, separators=(",", ":")) + "\n")


main()
