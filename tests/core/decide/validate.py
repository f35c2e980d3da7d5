#!/usr/bin/env python3
"""Real outputs of the writers against conf/schema, with somebody else's JSON Schema validator.

validate.py SAMPLES-PROGRAM SCHEMA-DIR; exit status 77 when python3-jsonschema is not there.
"""
import copy
import json
import pathlib
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("skipped: python3-jsonschema is not installed")
    sys.exit(77)

NAMES = ("event", "alert", "label", "score", "dead-letter")
validators = {}
for name in NAMES:
    schema = json.loads((pathlib.Path(sys.argv[2]) / f"{name}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validators[name] = jsonschema.Draft202012Validator(schema)

failures = 0
seen = dict.fromkeys(NAMES, 0)


def strict(pairs):
    """Duplicate keys are legal to Python and not to us."""
    assert len(pairs) == len(dict(pairs)), f"a key twice in {pairs}"
    return dict(pairs)


def refuse_constant(text):
    raise ValueError(f"{text} is not JSON")


for line in subprocess.run([sys.argv[1]], capture_output=True, check=True).stdout.splitlines():
    sample = json.loads(line, object_pairs_hook=strict, parse_constant=refuse_constant)
    name, value = sample["schema"], sample["value"]
    seen[name] += 1
    for error in validators[name].iter_errors(value):
        failures += 1
        print(f"{name}: {error.json_path}: {error.message}\n  {line.decode()}")
    # A schema that accepts anything proves nothing: without any one required member it must fail.
    for key in validators[name].schema["required"]:
        broken = copy.deepcopy(value)
        del broken[key]
        if validators[name].is_valid(broken):
            failures += 1
            print(f"{name}: valid without {key}")

failures += sum(count == 0 for count in seen.values())
print(", ".join(f"{count} {name}" for name, count in seen.items()), f"checked, {failures} failures")
sys.exit(failures > 0)
