"""`Contract`: a task's name, version, queue, payload, result and policy as one value."""

import re
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from handoff_contracts.queues import DEFAULT, Queue

NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


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
        ValueError: a value is out of range.
    """

    attempts: int = 5  # runs before a task is dead
    backoff: float = 2.0  # wait before the second attempt; doubles for each one after
    backoff_limit: float = 600.0  # longest wait between two attempts, before jitter
    time_limit: float = 60.0  # one attempt at one item; what is still running then has failed this attempt
    lease: float = 6.0  # a running task whose lease was not renewed for so long is given to another worker
    pack: int = 1  # items of a batch that one message carries
    concurrency: int = 1  # items of a pack in flight at once, for async handlers
    unknown: Literal["repeat", "give_up"] = "repeat"  # what may have been done: once more, or never

    def __post_init__(self) -> None:
        if min(self.attempts, self.pack, self.concurrency) < 1:
            raise ValueError("attempts, pack and concurrency are at least 1")
        if self.backoff <= 0 or self.backoff_limit < self.backoff or self.time_limit <= 0:
            raise ValueError("backoff and time_limit are positive, backoff_limit is at least backoff")
        if self.lease < 3:
            raise ValueError("a lease under 3 s ends between two renewals")


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
        if self.version < 1:
            raise ValueError("versions count from 1")
