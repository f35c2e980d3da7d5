#!/usr/bin/env python3
"""Sends events at a steady pace, whatever comes back, and says how long each took to be readable.

usage: latency.py BROKER EVENTS RATE SKIP

An event's time begins when it was due, not when it could be sent (open loop: a sender that waits
would hide what it waited for), and ends when a reader of committed records has its score in hand.
Sender and reader are kcat's; their own hundreds of microseconds are in the figures. The first SKIP
events warm up and do not count. Prints `p50 p90 p99 p999 max` in ms and how many were seen.
"""
import json
import subprocess
import sys
import threading
import time

TICK_S = 0.005


def read_all(reader, seen):
    for line in reader.stdout:
        seen.append((time.time(), line))


def main():
    broker, path, rate, skip = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    lines, ids = [], []
    for line in open(path):
        event = json.loads(line)
        lines.append(f"{event['user_token']}\t{line}".encode())
        ids.append(event["event_id"])
    reader = subprocess.Popen(
        ["kcat", "-C", "-u", "-q", "-b", broker, "-t", "scores", "-o", "end",
         "-X", "isolation.level=read_committed", "-X", "fetch.wait.max.ms=20"],
        stdout=subprocess.PIPE)
    seen = []
    threading.Thread(target=read_all, args=(reader, seen), daemon=True).start()
    time.sleep(3)
    sender = subprocess.Popen(
        ["kcat", "-P", "-b", broker, "-t", "events", "-K", "\t", "-X", "linger.ms=1",
         "-X", "partitioner=murmur2_random"], stdin=subprocess.PIPE)
    began = time.time()
    sent = 0
    while sent < len(lines):
        due = min(len(lines), int((time.time() - began) * rate))
        if due > sent:
            sender.stdin.write(b"".join(lines[sent:due]))
            sender.stdin.flush()
            sent = due
        time.sleep(TICK_S)
    late_ms = 1000 * (time.time() - began - len(lines) / rate)
    sender.stdin.close()
    sender.wait()
    time.sleep(5)
    reader.kill()
    due_at = {event_id: began + (i + 1) / rate for i, event_id in enumerate(ids) if i >= skip}
    times = []
    for at, line in seen:
        due = due_at.pop(json.loads(line)["event_id"], None)
        if due is not None:
            times.append(1000 * (at - due))
    times.sort()
    if not times:
        sys.exit("no score was seen")
    shares = [times[min(len(times) - 1, int(q * len(times)))] for q in (0.5, 0.9, 0.99, 0.999)]
    print(" ".join(f"{t:.1f}" for t in shares + [times[-1]]), len(times), f"{late_ms:.0f}")


if __name__ == "__main__":
    main()
