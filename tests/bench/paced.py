#!/usr/bin/env python3
"""Passes lines on at so many a second, in small steps.  usage: paced.py RATE < LINES"""
import sys
import time

rate = float(sys.argv[1])
begin, sent = time.monotonic(), 0
lines = sys.stdin.buffer.readlines()
while sent < len(lines):
    due = int(rate * (time.monotonic() - begin))
    if due > sent:
        sys.stdout.buffer.write(b"".join(lines[sent:due]))
        sys.stdout.buffer.flush()
        sent = due
    time.sleep(0.005)
