"""One text for all JSON values that are equal."""

import json


def canonical_json(text: bytes) -> bytes:
    """The value with the keys of its objects in order, and with whole numbers as integers: `5.0` becomes `5`."""
    value = json.loads(text, parse_float=_number)
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _number(text: str) -> float | int:
    number = float(text)
    return int(number) if number.is_integer() else number
