"""Redrive: queue the dead letters that match a filter again."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handoff_api.body import parse_json, read_body
from handoff_api.field_types import ContractName, ErrorCode, Time, epoch_ms
from handoff_api.problems import INVALID_REQUEST, Problem, field_errors
from handoff_api.request_state import ApiRequest
from handoff_api.settings import TASK_LIMIT_BYTES
from handoff_ledger import AsyncLedger, State
from handoff_ledger.calls import RedriveFilter, redrive_all

MAX_TASKS_PER_REQUEST = 10_000


class RedriveRequest(BaseModel):
    """Which dead letters to queue again. A field that is left out matches all of them."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["dead", "failed"] = Field(
        default="dead", description="`dead`: all attempts were used up. `failed`: another attempt would be useless."
    )
    contract: ContractName = Field(default="", description="The name of the contract, for example `push.send`.")
    code: ErrorCode = Field(default="", description="The `code` of the error with which the task ended.")
    ended_from: Time | None = Field(default=None, description="Matches tasks that ended at this time or later.")
    ended_until: Time | None = Field(default=None, description="Matches tasks that ended at this time or earlier.")

    def to_filter(self) -> RedriveFilter:
        times = {"ended_from_ms": self.ended_from, "ended_until_ms": self.ended_until}
        given = {name: epoch_ms(time) for name, time in times.items() if time}
        return RedriveFilter(state=State(self.state), contract=self.contract, code=self.code, **given)


class RedriveResult(BaseModel):
    """How many tasks were queued again."""

    redriven: int = Field(description="The number of tasks that this request queued again.")
    more: bool = Field(
        description=f"Whether more tasks match. One request queues about {MAX_TASKS_PER_REQUEST:,}: send it again."
    )


async def read_redrive_request(request: ApiRequest) -> RedriveRequest:
    """Return the filter in a request's body. Raises a `Problem` that names each wrong field."""
    body = await read_body(request, TASK_LIMIT_BYTES)
    try:
        return RedriveRequest.model_validate(parse_json(body))
    except ValidationError as error:
        raise Problem(INVALID_REQUEST, errors=field_errors(error)) from None


async def redrive_matching(ledger: AsyncLedger, matching: RedriveFilter, client: str) -> RedriveResult:
    """Queue all matching tasks again, in steps that each block Redis only for a short time."""
    done, cursor = 0, ""
    while done < MAX_TASKS_PER_REQUEST:
        count, cursor = await ledger.run(redrive_all(matching, ledger.limits, client, cursor))
        done += count
        if not cursor:
            break
    return RedriveResult(redriven=done, more=bool(cursor))
