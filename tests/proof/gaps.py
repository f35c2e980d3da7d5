#!/usr/bin/env python3
"""How long no partition of the input had an output: `kcat -f '%T %s\\n'` of the score topic on stdin.

usage: gaps.py FROM_MS TO_MS

Prints the longest time between two score records of one partition within the time given. The times
are those at which the records were produced.
"""
import collections
import json
import sys


def main():
    start, end = int(sys.argv[1]), int(sys.argv[2])
    times = collections.defaultdict(list)
    for line in sys.stdin:
        at, text = line.split(" ", 1)
        times[json.loads(text)["source"]["partition"]].append(int(at))
    worst, where = 0, None
    for partition, stamps in times.items():
        inside = sorted([start] + [t for t in stamps if start <= t <= end] + [end])
        for before, after in zip(inside, inside[1:]):
            if after - before > worst:
                worst, where = after - before, partition
    print(f"{worst} {where} {len(times)}")


if __name__ == "__main__":
    main()
