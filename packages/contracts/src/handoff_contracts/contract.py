"""`Contract`: name, version, queue, payload, result and policy of one kind of task, as one value."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from handoff_contracts.queues import DEFAULT, Queue

MAX_NAME_LENGTH = 100  # characters: Redis keys and cursors contain the name
MAX_VERSION = 1_000_000
NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
DAY_SECONDS, YEAR_SECONDS = 86_400, 31_536_000
# The lowest and the highest value of each number in a policy. The worker rounds seconds to whole milliseconds.
POLICY_RANGES: Mapping[str, tuple[float, float]] = {
    "max_attempts": (1, 1_000),
    "backoff": (0.001, YEAR_SECONDS),
    "backoff_limit": (0.001, YEAR_SECONDS),
    "time_limit": (0.001, 7 * DAY_SECONDS),
    "lease": (3, DAY_SECONDS),  # a shorter lease would expire between two renewals
    "pack": (1, 100_000),  # up to the largest batch
    "concurrency": (1, 10_000),
}


class Payload(BaseModel):
    """Base of every payload model. It refuses unknown fields, NaN and Infinity, and is immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, str_strip_whitespace=False)


class Result(BaseModel):
    """Base of every result model. It ignores unknown fields, so a newer worker can add fields."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


P = TypeVar("P", bound=Payload)
R = TypeVar("R", bound=Result)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How workers run the tasks of a contract: attempts, back-off, limits. Times are in seconds.

    Raises:
        ValueError: a value is outside its range in `POLICY_RANGES`.
    """

    max_attempts: Annotated[int, Field(description="Attempts before a task is dead")] = 5
    backoff: Annotated[float, Field(description="Wait before the second attempt; doubles before each later one")] = 2.0
    backoff_limit: Annotated[float, Field(description="Longest wait between attempts, without jitter")] = 600.0
    time_limit: Annotated[float, Field(description="Limit of one attempt at one task or item")] = 60.0
    lease: Annotated[float, Field(description="Time without a renewal after which another worker takes over")] = 6.0
    pack: Annotated[int, Field(description="Items of a batch that one claim takes")] = 1
    concurrency: Annotated[int, Field(description="Items of one claim that run at once; for async handlers")] = 1
    unknown: Annotated[
        Literal["repeat", "give_up"], Field(description="What follows an attempt whose effect is unknown")
    ] = "repeat"

    def __post_init__(self) -> None:
        for name, (least, most) in POLICY_RANGES.items():
            if not least <= getattr(self, name) <= most:  # NaN fails too
                raise ValueError(f"{name} of a policy is {least:,} to {most:,}")
        if self.backoff_limit < self.backoff:
            raise ValueError("backoff_limit of a policy is at least its backoff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract(Generic[P, R]):
    """What client, API and worker agree on for one kind of task.

    `name` is the wire name, such as `push.send`: stable across deploys, and independent of any function's path.
    Raise `version` when a new handler can no longer run an old payload with the same meaning.
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
            raise ValueError(f"{self.name!r} is not a contract name: write it like 'push.send'")
        if len(self.name) > MAX_NAME_LENGTH:
            raise ValueError(f"a contract name has at most {MAX_NAME_LENGTH} characters")
        if not 1 <= self.version <= MAX_VERSION:
            raise ValueError(f"a contract version is 1 to {MAX_VERSION:,}")
