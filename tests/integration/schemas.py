#!/usr/bin/python3
"""Validates records against a JSON Schema of conf/schema: one JSON value a line on standard input.

usage: schemas.py SCHEMA.json [--headers]

--headers: each line is kcat's %h list (name=value,name=value) of a dead letter instead; the headers
of ours among them are held against the schema as one object.
"""
import json
import sys

try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is not installed")
    sys.exit(77)

schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
count = 0
for line in sys.stdin:
    if len(sys.argv) > 2:
        pairs = (pair.partition("=") for pair in line.rstrip("\n").split("__hecate.errors.")[1:])
        value = {"__hecate.errors." + name: text.rstrip(",") for name, _, text in pairs}
    else:
        value = json.loads(line)
    count += 1
    for problem in validator.iter_errors(value):
        print(f"line {count}: {list(problem.path)}: {problem.message}")
        sys.exit(1)
if count == 0:
    print("nothing to validate")
    sys.exit(1)
