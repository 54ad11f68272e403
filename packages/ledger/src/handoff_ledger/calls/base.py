"""What a call is, and what all of them share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from handoff_common.settings import SharedSettings

MAX_RECORDS_PER_SCRIPT = 500  # that one script works on, so that Redis serves others soon
DAY_MS = 24 * 60 * 60 * 1000
T = TypeVar("T")
Arg = str | bytes | int


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One atomic step. `parse` turns the script's reply into a value, or raises a `LedgerError`."""

    script: str
    args: Sequence[Arg]
    parse: Callable[[Any], T]


@dataclass(frozen=True, slots=True)
class Limits:
    """What the ledger keeps and takes. `retention_ms`: a record's life after its end; `queue`: tasks waiting in one."""

    retention_ms: int = 7 * 24 * 60 * 60 * 1000
    queue: int = 1_000_000

    @classmethod
    def of(cls, settings: SharedSettings) -> "Limits":
        """The limits that the settings name."""
        return cls(retention_ms=int(settings.retention_days * DAY_MS), queue=settings.queue_limit)


def fields_of(flat: Sequence[str]) -> Mapping[str, str]:
    """A hash's flat reply as a mapping."""
    return dict(zip(flat[::2], flat[1::2], strict=True))
