#!/usr/bin/env python3
"""Prints each event of an NDJSON file as "user_token TAB event": what `kcat -P -K TAB` wants. With a
second argument so many a second, steadily."""
import re
import sys
import time

user = re.compile(r'"user_token":"([^"]+)"')
rate = float(sys.argv[2]) if len(sys.argv) > 2 else 0
began = time.monotonic()
for number, line in enumerate(sys.stdin if sys.argv[1] == "-" else open(sys.argv[1])):
    sys.stdout.write(f"{user.search(line).group(1)}\t{line}")
    if rate and number % 100 == 0:
        sys.stdout.flush()
        time.sleep(max(0, began + number / rate - time.monotonic()))
