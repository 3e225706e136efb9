"""Validate each line of a file: validate_json.py SCHEMA FILE.

Prints "valid", or "invalid: " and why, for each; a schema that is none
ends it with an error.
"""
import json
import sys

from jsonschema import Draft7Validator

with open(sys.argv[1], encoding="utf-8") as handle:
    schema = json.load(handle)
Draft7Validator.check_schema(schema)
validator = Draft7Validator(schema)
with open(sys.argv[2], encoding="utf-8") as handle:
    for line in handle:
        errors = [error.message for error in validator.iter_errors(json.loads(line))]
        print("invalid: " + errors[0][:200] if errors else "valid")
