#!/usr/bin/env python3
"""Prints each event of an NDJSON file as "user_token TAB event": what `kcat -P -K TAB` wants."""
import re
import sys

user = re.compile(r'"user_token":"([^"]+)"')
for line in open(sys.argv[1]):
    sys.stdout.write(f"{user.search(line).group(1)}\t{line}")
