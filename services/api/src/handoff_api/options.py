"""The options of a submission: its query parameters, `Idempotency-Key` and `Prefer: wait=N`."""

import math
import re
from datetime import UTC, datetime
from functools import cache
from typing import Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from handoff_api.field_types import YEAR_SECONDS, DelaySeconds, LifetimeSeconds, Time
from handoff_api.problems import INVALID_REQUEST, PRIORITY_NOT_OFFERED, FieldError, Problem, details, field_error
from handoff_api.query_parameters import parse_query
from handoff_api.request_state import ApiRequest
from handoff_contracts import Priority, queue_for
from handoff_contracts.catalogue import AnyContract

MAX_WAIT_SECONDS = 30
IDEMPOTENCY_KEY = re.compile(rb"[\x20-\x7e]{1,255}")
MAX_PREFER_BYTES = 1024  # the API ignores the rest of the field
PREFERENCE = re.compile(rb'(?:[^,"]|"(?:[^"\\]|\\.)*")+')  # up to a comma outside of quotes


class BatchOptions(BaseModel):
    """The query parameters of a batch."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    priority: Priority | None = Field(
        default=None, description="The queue to wait in, instead of the contract's own queue."
    )

    def queue(self, contract: AnyContract) -> str:
        """Return the name of the queue. Raises a `Problem` when the contract's tasks take no priority."""
        try:
            return queue_for(contract.queue, self.priority).name
        except ValueError:
            raise Problem(PRIORITY_NOT_OFFERED) from None


class TaskOptions(BatchOptions):
    """The query parameters of a task."""

    delay: DelaySeconds | None = Field(
        default=None, description="Seconds until the task may run. Do not combine it with `run_at`."
    )
    run_at: Time | None = Field(
        default=None,
        description="The time from which the task may run (RFC 3339), at most a year ahead. A past time means now.",
    )
    expires_in: LifetimeSeconds | None = Field(
        default=None, description="Seconds after which the task expires instead of running, if it has not started."
    )

    @model_validator(mode="after")
    def _check_time(self) -> Self:
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


def parse_options(request: ApiRequest, options: type[Q]) -> Q:
    """Return the options in a request's query. Raises a `Problem` that names each wrong parameter."""
    if not request.scope["query_string"]:
        defaults: Q = _defaults(options)
        return defaults
    try:
        return options.model_validate(parse_query(request.scope["query_string"]))
    except ValidationError as error:
        errors = [field_error(entry, ("query", *entry["loc"])) for entry in details(error)]
        raise Problem(INVALID_REQUEST, errors=errors) from None


@cache
def _defaults(options: type[Q]) -> Q:
    return options()


def idempotency_key(request: ApiRequest) -> str:
    """Return the `Idempotency-Key`, '' without the header. Raises a `Problem` when the key is malformed."""
    key = request.state["headers"].get(b"idempotency-key")
    if key is None:
        return ""
    if not IDEMPOTENCY_KEY.fullmatch(key):
        error = FieldError("header.Idempotency-Key", "A key has 1 to 255 printable ASCII characters")
        raise Problem(INVALID_REQUEST, errors=[error])
    return key.decode()


def preferred_wait_seconds(request: ApiRequest) -> int:
    """Return the seconds that `Prefer: wait=N` asks for, at most 30; 0 without a valid number.

    RFC 7240: the first of several `wait` preferences counts, and its value may be quoted.
    """
    for preference in PREFERENCE.findall(request.state["headers"].get(b"prefer", b"")[:MAX_PREFER_BYTES]):
        name, _, value = preference.partition(b";")[0].partition(b"=")
        if name.strip().lower() == b"wait":
            seconds = value.strip(b' \t"')
            # Three digits already exceed the limit, and Python refuses to parse more than 4,300 digits.
            return min(int(seconds.lstrip(b"0")[:3] or b"0"), MAX_WAIT_SECONDS) if seconds.isdigit() else 0
    return 0
