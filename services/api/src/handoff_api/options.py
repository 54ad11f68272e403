"""How a task is to be run, as query parameters and headers say it."""

import math
import re
from datetime import UTC, datetime
from functools import cache
from typing import Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from handoff_api.field_types import YEAR_SECONDS, Delay, Life, Time
from handoff_api.problems import INVALID_REQUEST, PRIORITY_NOT_OFFERED, FieldError, Problem, details, fault
from handoff_api.query_parameters import parameters
from handoff_api.request_state import ApiRequest
from handoff_contracts import Priority, queue_for
from handoff_contracts.catalogue import AnyContract

LONGEST_WAIT_SECONDS = 30
KEY = re.compile(rb"[\x20-\x7e]{1,255}")
LONGEST_PREFER = 1024  # bytes that are parsed
PREFERENCE = re.compile(rb'(?:[^,"]|"(?:[^"\\]|\\.)*")+')  # up to a comma that stands outside of quotes


class BatchOptions(BaseModel):
    """The query parameters of a batch."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    priority: Priority | None = Field(default=None, description="The lane to wait in, instead of the contract's own")

    def queue(self, contract: AnyContract) -> str:
        """The name of the queue. Raises a `Problem` when the contract's tasks take no priority."""
        try:
            return queue_for(contract.queue, self.priority).name
        except ValueError:
            raise Problem(PRIORITY_NOT_OFFERED) from None


class TaskOptions(BatchOptions):
    """The query parameters of a task."""

    delay: Delay | None = Field(default=None, description="Seconds to wait before it may run")
    run_at: Time | None = Field(default=None, description="When it may run; within a year")
    expires_in: Life | None = Field(
        default=None, description="Seconds after which it is no longer wanted, if it still waits"
    )

    @model_validator(mode="after")
    def _one_time(self) -> Self:
        if self.delay is not None and self.run_at is not None:
            raise ValueError("Give delay or run_at, not both")
        if self.run_at is not None and (self.run_at - datetime.now(UTC)).total_seconds() > YEAR_SECONDS:
            raise ValueError("run_at is more than a year ahead")
        return self

    @property
    def delay_ms(self) -> int:
        if self.run_at is not None:
            return max(0, math.ceil((self.run_at - datetime.now(UTC)).total_seconds() * 1000))
        return int((self.delay or 0) * 1000)

    @property
    def expires_ms(self) -> int:
        return 0 if self.expires_in is None else max(1, int(self.expires_in * 1000))


Q = TypeVar("Q", bound=BatchOptions)


def query(request: ApiRequest, options: type[Q]) -> Q:
    """The options in a request's query. Raises a `Problem` that names each parameter that is wrong."""
    if not request.scope["query_string"]:
        defaults: Q = _defaults(options)
        return defaults
    try:
        return options.model_validate(parameters(request.scope["query_string"]))
    except ValidationError as error:
        wrong = [fault(entry, ("query", *entry["loc"])) for entry in details(error)]
        raise Problem(INVALID_REQUEST, faults=wrong) from None


@cache
def _defaults(options: type[Q]) -> Q:
    return options()


def idempotency_key(request: ApiRequest) -> str:
    """The `Idempotency-Key`, '' for none."""
    key = request.state["headers"].get(b"idempotency-key")
    if key is None:
        return ""
    if not KEY.fullmatch(key):
        wrong = FieldError("header.Idempotency-Key", "A key has 1 to 255 printable ASCII characters")
        raise Problem(INVALID_REQUEST, faults=[wrong])
    return key.decode()


def wait(request: ApiRequest) -> int:
    """The seconds that `Prefer: wait=N` grants, at most 30. 0 without it, and when its value is not a number.

    RFC 7240: of several `wait` the first counts, and its value may be quoted.
    """
    for preference in PREFERENCE.findall(request.state["headers"].get(b"prefer", b"")[:LONGEST_PREFER]):
        name, _, value = preference.partition(b";")[0].partition(b"=")
        if name.strip().lower() == b"wait":
            seconds = value.strip(b' \t"')
            # Three digits are over the limit already. Python reads no number of more than 4,300 digits.
            return min(int(seconds.lstrip(b"0")[:3] or b"0"), LONGEST_WAIT_SECONDS) if seconds.isdigit() else 0
    return 0
