"""Dead letters: which a client means, and queueing them again."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handoff_api.body import parse
from handoff_api.body import read as read_body
from handoff_api.field_types import ContractName, ErrorCode, Time, epoch_ms
from handoff_api.problems import INVALID_REQUEST, Problem, faults
from handoff_api.request_state import ApiRequest
from handoff_api.settings import TASK_LIMIT
from handoff_ledger import AsyncLedger, State
from handoff_ledger.calls import RedriveFilter, redrive_all

MOST = 10_000  # tasks that one request queues again


class Matching(BaseModel):
    """Which dead letters. What is left out matches all."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["dead", "failed"] = "dead"
    contract: ContractName = ""
    code: ErrorCode = Field(default="", description="The error's code")
    ended_from: Time | None = None
    ended_until: Time | None = None

    def letters(self) -> RedriveFilter:
        times = {"ended_from_ms": self.ended_from, "ended_until_ms": self.ended_until}
        given = {name: epoch_ms(time) for name, time in times.items() if time}
        return RedriveFilter(state=State(self.state), contract=self.contract, code=self.code, **given)


class Redriven(BaseModel):
    """How many tasks were queued again; `more`: ask again for the rest."""

    redriven: int
    more: bool


async def matching(request: ApiRequest) -> Matching:
    """The filter in a request's body. Raises a `Problem` that names what is wrong with it."""
    body = await read_body(request, TASK_LIMIT)
    try:
        return Matching.model_validate(parse(body))
    except ValidationError as error:
        raise Problem(INVALID_REQUEST, faults=faults(error)) from None


async def redrive_matching(ledger: AsyncLedger, letters: RedriveFilter, by: str) -> Redriven:
    """Queues what matches again, step by step, so that none of them holds Redis up."""
    done, cursor = 0, ""
    while done < MOST:
        count, cursor = await ledger.run(redrive_all(letters, ledger.limits, by, cursor))
        done += count
        if not cursor:
            break
    return Redriven(redriven=done, more=bool(cursor))
