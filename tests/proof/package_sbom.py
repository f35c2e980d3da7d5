#!/usr/bin/env python3
"""Holds a bill of materials against CycloneDX's own JSON schema, in its strict form.

package_sbom.py FILE.json       needs cyclonedx-python-lib[json-validation] from PyPI
"""
import json
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

with open(sys.argv[1], encoding="utf-8") as file:
    text = file.read()
version = SchemaVersion.from_version(json.loads(text)["specVersion"])
error = JsonStrictValidator(version).validate_str(text)
if error is not None:
    sys.exit(f"{sys.argv[1]}: {error}")
print(f"{len(json.loads(text)['components'])} components, valid by the schema of CycloneDX {version.to_version()}")
