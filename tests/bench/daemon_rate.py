#!/usr/bin/env python3
"""How fast a running hecated works: watches /metrics from its first records until all are done.

usage: daemon_rate.py PID ADDRESS TOTAL      prints "events_per_s cpu_us_per_event"
"""
import os
import re
import sys
import time
import urllib.request

pid, address, total = sys.argv[1], sys.argv[2], int(sys.argv[3])
done_line = re.compile(rb"^hecate_events_processed_total\{[^}]*\} (\d+)", re.M)
lag_line = re.compile(rb"^hecate_kafka_consumer_lag_records\{[^}]*\} (\d+)", re.M)


def sample():
    text = urllib.request.urlopen(f"http://{address}/metrics", timeout=5).read()
    fields = open(f"/proc/{pid}/stat").read().rsplit(") ", 1)[1].split()
    cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    done = sum(int(value) for value in done_line.findall(text))
    return time.monotonic(), cpu, done


first = None
while True:
    now, cpu, done = sample()
    if first is None and done > 0:
        first = (now, cpu, done)
    if done >= total:
        break
    time.sleep(0.05)
events = done - first[2]
print(f"{events / (now - first[0]):.0f} {1e6 * (cpu - first[1]) / events:.2f}")
