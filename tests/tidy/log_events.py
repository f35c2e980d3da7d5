#!/usr/bin/env python3
"""Every id that hec_log is called with stands in daemon/ops/log_events.h, and no other does."""

import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parents[2]


def arguments_of(text, at):
    """The arguments of a call whose bracket opens at text[at], as texts."""
    depth, begin, found, i = 0, at + 1, [], at
    while True:
        c = text[i]
        if c == '"':
            i += 1
            while text[i] != '"':
                i += 2 if text[i] == "\\" else 1
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        if (c == "," and depth == 1) or depth == 0:
            found.append(text[begin:i])
            begin = i + 1
        if depth == 0:
            return found
        i += 1


called = {}
for path in sorted(root.glob("daemon/**/*.c")):
    text = path.read_text()
    for call in re.finditer(r"\bhec_log\(", text):
        where = f"{path.relative_to(root)}:{text.count(chr(10), 0, call.start()) + 1}"
        arguments = arguments_of(text, call.end() - 1)
        if path.name == "log.c" and arguments[0].startswith("enum"):
            continue  # its own definition
        modules = re.findall(r'"([a-z_]+)"', arguments[1])
        events = re.findall(r'"([a-z_]+)"', arguments[2])
        if len(modules) != 1 or not events:
            sys.exit(f"{where}: the module and the id of a log line are literals")
        for event in events:
            called.setdefault((event, modules[0]), where)

table = (root / "daemon/ops/log_events.h").read_text()
rows = {(e, m) for e, m in re.findall(r'X\("([a-z_]+)", "([a-z]+)",', table)}
bad = [f"{called[row]}: {row[0]} ({row[1]}) stands in no table" for row in called.keys() - rows]
bad += [f"{row[0]} ({row[1]}) is never logged" for row in rows - called.keys()]
if bad:
    print("\n".join(sorted(bad)), file=sys.stderr)
    sys.exit("\nThe rule: each id of a log line stands in daemon/ops/log_events.h, with its meaning")
