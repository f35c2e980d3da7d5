#!/usr/bin/env python3
"""The handbook's fifteen features by a plain scan, to hold `hecate features` against.

usage: handbook_oracle.py EVENTS.ndjson FEATURES.csv [--last N]

Shares no code with the product. Every entity keeps a plain list of what happened to it; a window is
a scan over that list. Windows are tiles (24 of 1 h, 28 of 6 h, 30 of 1 d), the current event is
excluded, terminal windows are delayed by seven days, a label counts from where it stands in the file.
Exits 1 at the first value that differs by more than 1e-6.
"""
import csv
import json
import sys
from collections import defaultdict

HOUR = 3_600_000
DAY = 24 * HOUR
WINDOWS = {"1d": (24, HOUR), "7d": (28, 6 * HOUR), "30d": (30, DAY)}
DELAY = 7 * DAY


def in_window(then_ms, now_ms, tiles, width):
    head = now_ms // width
    return head - tiles < then_ms // width <= head


def in_delayed_window(then_ms, now_ms, tiles, width):
    head = (now_ms - DELAY) // width
    return head - tiles <= then_ms // width < head


def features_of(event, payments_of_user, payments_of_terminal, frauds_of_terminal):
    now = event["event_time_ms"]
    days = now // DAY
    row = {
        "amount": event["amount_minor"] / 100,
        # 1970-01-01 was a Thursday.
        "weekend": float((days + 3) % 7 >= 5),
        "night": float((now % DAY) // HOUR <= 6),
    }
    for window, (tiles, width) in WINDOWS.items():
        amounts = [a for t, a in payments_of_user[event["user_token"]] if in_window(t, now, tiles, width)]
        row[f"user_count_{window}"] = float(len(amounts))
        row[f"user_mean_amount_{window}"] = sum(amounts) / len(amounts) if amounts else 0.0
        terminal = event["terminal_id"]
        count = sum(in_delayed_window(t, now, tiles, width) for t in payments_of_terminal[terminal])
        frauds = sum(in_delayed_window(t, now, tiles, width) for t in frauds_of_terminal[terminal])
        row[f"terminal_count_{window}"] = float(count)
        row[f"terminal_risk_{window}"] = frauds / count if count else 0.0
    return row


def main():
    events_file, rows_file = sys.argv[1:3]
    last = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    payments_of_user = defaultdict(list)
    payments_of_terminal = defaultdict(list)
    frauds_of_terminal = defaultdict(list)
    rows = csv.DictReader(open(rows_file, newline=""))
    total = sum(1 for line in open(events_file) if '","event_type":"card_auth"' in line) if last else 0
    seen = compared = nonzero = 0
    worst = 0.0
    for line in open(events_file):
        event = json.loads(line)
        if event["event_type"] == "label":
            if event["label"] == "fraud":
                frauds_of_terminal[event["terminal_id"]].append(event["target_event_time_ms"])
            continue
        if event["event_type"] != "card_auth":
            continue
        row = next(rows)
        if row["event_id"] != event["event_id"]:
            sys.exit(f"row {seen}: the file says {row['event_id']}, the events {event['event_id']}")
        if seen >= total - last:
            expected = features_of(event, payments_of_user, payments_of_terminal, frauds_of_terminal)
            for name, value in expected.items():
                difference = abs(float(row[name]) - value)
                worst = max(worst, difference)
                if difference > 1e-6 * max(1.0, abs(value)):
                    sys.exit(f"{event['event_id']} {name}: the file says {row[name]}, the oracle {value!r}")
            nonzero += expected["terminal_risk_7d"] > 0
            compared += 1
        seen += 1
        payments_of_user[event["user_token"]].append((event["event_time_ms"], event["amount_minor"] / 100))
        payments_of_terminal[event["terminal_id"]].append(event["event_time_ms"])
    print(f"{compared} events x 15 features agree, worst difference {worst:.2g}; "
          f"{nonzero} of them with a terminal fraud rate above 0")
    return 0 if compared else 1


if __name__ == "__main__":
    sys.exit(main())
