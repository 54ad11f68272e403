"""`JSON_NUMBER` restricts a payload's `int` or `float` field to JSON numbers.

Pydantic alone also accepts `true` and text like "1_000", which are mistakes of a client. Put the range before the
marker: `Annotated[int, Field(ge=0, le=10), JSON_NUMBER]`. An `int` accepts 5.0, because JSON has one kind of number.
"""

from pydantic import BeforeValidator


def _check_number(value: object) -> object:
    if isinstance(value, bool | str | bytes):
        raise ValueError("Input should be a number")
    return value


JSON_NUMBER = BeforeValidator(_check_number)
