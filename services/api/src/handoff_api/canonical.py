"""Canonical JSON: equal values have one text."""

import json

MAX_EXACT = 2**53  # the largest range in which a float is an exact integer


def canonical_json(text: bytes) -> bytes:
    """Return the JSON value with sorted object keys, and with whole numbers up to 2^53 as integers: `5.0` becomes `5`.

    Beyond 2^53 a number with a point or an exponent is no exact integer, so it keeps its own text.
    """
    value = json.loads(text, parse_float=_parse_number)
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _parse_number(text: str) -> float | int:
    number = float(text)
    return int(number) if abs(number) <= MAX_EXACT and number.is_integer() else number
