"""The types, with their ranges, of the query parameters and body fields that the API itself defines.

The contract defines the fields of a payload, and `cursors` the contents of a cursor.
"""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator, Field

from handoff_contracts.contract import MAX_NAME_LENGTH

YEAR_SECONDS = 365 * 24 * 60 * 60
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The grammars of RFC 3339 and of a JSON number. Python accepts much more, like 2030-W01-1T00Z, 1_000 and inf.
RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})",
    re.IGNORECASE,
)
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def _parse_time(value: object) -> datetime:
    try:
        if isinstance(value, str) and RFC_3339.fullmatch(value):
            return datetime.fromisoformat(value.upper())
    except ValueError:  # the form is right, but no calendar has this date
        pass
    raise ValueError("Write a time as RFC 3339 has it, like 2030-01-31T12:00:00Z")


def _check_number(value: object) -> object:
    if isinstance(value, str) and not NUMBER.fullmatch(value):
        raise ValueError("Write a number in plain digits, like 90 or 1.5")
    return value


Time = Annotated[AwareDatetime, BeforeValidator(_parse_time)]
DelaySeconds = Annotated[float, Field(ge=0, le=YEAR_SECONDS, allow_inf_nan=False), BeforeValidator(_check_number)]
LifetimeSeconds = Annotated[float, Field(gt=0, le=YEAR_SECONDS, allow_inf_nan=False), BeforeValidator(_check_number)]
PageSize = Annotated[int, Field(ge=1, le=500), BeforeValidator(_check_number)]
CursorText = Annotated[str, Field(max_length=400)]
ContractName = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH, pattern=r"^[a-z0-9_.]+$")]
BatchId = Annotated[str, Field(min_length=1, max_length=26, pattern=r"^[0-9a-z]+$")]
ErrorCode = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]


def epoch_ms(time: datetime) -> int:
    """Return a time in ms since 1970. A time before 1970 becomes 0, which is before every record of the ledger."""
    return max(0, int((time - EPOCH).total_seconds() * 1000))
