"""`JSON_NUMBER` marks a number in a payload that takes JSON numbers only.

Pydantic's `int` and `float` also take `true`, and text like "1_000". A client that sends those made a mistake. Write
the range before the mark: `Annotated[int, Field(ge=0, le=10), JSON_NUMBER]`. An `int` takes 5.0 as it takes 5: JSON has
one kind of number.
"""

from pydantic import BeforeValidator


def _number(value: object) -> object:
    if isinstance(value, bool | str | bytes):
        raise ValueError("Input should be a number")
    return value


JSON_NUMBER = BeforeValidator(_number)
