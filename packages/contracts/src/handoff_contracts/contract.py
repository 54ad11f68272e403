"""`Contract`: a task's name, version, queue, payload, result and policy as one value."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from handoff_contracts.queues import DEFAULT, Queue

LONGEST_NAME = 100  # characters of a contract's name: the ledger's keys and the API's cursors carry it
LAST_VERSION = 1_000_000
NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
DAY_SECONDS, YEAR_SECONDS = 86_400, 31_536_000
# The least and the most of each number in a policy. The worker turns the seconds into whole milliseconds.
RANGES: Mapping[str, tuple[float, float]] = {
    "max_attempts": (1, 1_000),
    "backoff": (0.001, YEAR_SECONDS),
    "backoff_limit": (0.001, YEAR_SECONDS),
    "time_limit": (0.001, 7 * DAY_SECONDS),
    "lease": (3, DAY_SECONDS),  # a shorter one ends between two renewals
    "pack": (1, 100_000),  # the most items that a batch has
    "concurrency": (1, 10_000),
}


class Payload(BaseModel):
    """Base of every payload: unknown fields, NaN and Infinity are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, str_strip_whitespace=False)


class Result(BaseModel):
    """Base of every result. A field that a newer worker adds does not break an older reader."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


P = TypeVar("P", bound=Payload)
R = TypeVar("R", bound=Result)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How a task may use the workers. Times are seconds.

    Raises:
        ValueError: a value is out of the range that `RANGES` gives it.
    """

    max_attempts: int = 5  # runs before a task is dead
    backoff: float = 2.0  # wait before the second attempt; doubles for each one after
    backoff_limit: float = 600.0  # longest wait between two attempts, before jitter
    time_limit: float = 60.0  # one attempt at one item; what is still running then has failed this attempt
    lease: float = 6.0  # a running task whose lease was not renewed for so long is given to another worker
    pack: int = 1  # items of a batch that one message carries
    concurrency: int = 1  # items of a pack in flight at once, for async handlers
    unknown: Literal["repeat", "give_up"] = "repeat"  # what may have been done: once more, or never

    def __post_init__(self) -> None:
        for name, (least, most) in RANGES.items():
            if not least <= getattr(self, name) <= most:  # NaN is in no range
                raise ValueError(f"{name} of a policy is {least:,} to {most:,}")
        if self.backoff_limit < self.backoff:
            raise ValueError("backoff_limit of a policy is at least its backoff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract(Generic[P, R]):
    """What client, API and worker agree on.

    `name` is the wire name: written here, stable across deploys, never a function's path.
    Raise `version` when an old payload no longer means the same to a new handler.
    """

    name: str
    version: int
    payload: type[P]
    result: type[R]
    summary: str
    queue: Queue = DEFAULT
    policy: Policy = field(default_factory=Policy)

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no contract name: write it like 'push.send'")
        if len(self.name) > LONGEST_NAME:
            raise ValueError(f"a contract name has at most {LONGEST_NAME} characters")
        if not 1 <= self.version <= LAST_VERSION:
            raise ValueError(f"versions count from 1 to {LAST_VERSION:,}")
