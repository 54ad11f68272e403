"""Canonical JSON: equal values have one text."""

import json


def canonical_json(text: bytes) -> bytes:
    """Return the JSON value with sorted object keys, and with whole numbers as integers: `5.0` becomes `5`."""
    value = json.loads(text, parse_float=_parse_number)
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _parse_number(text: str) -> float | int:
    number = float(text)
    return int(number) if number.is_integer() else number
