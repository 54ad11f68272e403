"""`Call` and `Limits`, which all calls share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from handoff_common.settings import SharedSettings

MAX_RECORDS_PER_SCRIPT = 500  # so that no script occupies Redis for long
DAY_MS = 24 * 60 * 60 * 1000
T = TypeVar("T")
Arg = str | bytes | int


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One atomic step. `parse` converts the script's reply to a value, or raises a `LedgerError`."""

    script: str
    args: Sequence[Arg]
    parse: Callable[[Any], T]


@dataclass(frozen=True, slots=True)
class Limits:
    """`retention_ms`: how long a record stays after its end. `queue`: how many tasks may wait in one queue."""

    retention_ms: int = 7 * 24 * 60 * 60 * 1000
    queue: int = 1_000_000

    @classmethod
    def of(cls, settings: SharedSettings) -> "Limits":
        """Returns the limits in the settings."""
        return cls(retention_ms=int(settings.retention_days * DAY_MS), queue=settings.queue_limit)


def fields_of(flat: Sequence[str]) -> Mapping[str, str]:
    """Converts a flat list of names and values to a mapping."""
    return dict(zip(flat[::2], flat[1::2], strict=True))
