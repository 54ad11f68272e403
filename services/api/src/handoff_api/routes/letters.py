"""Dead letters: queue them again, one or all that match, and read who did what."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from handoff_api import cursors
from handoff_api.body import parse
from handoff_api.body import read as read_body
from handoff_api.problems import INVALID_REQUEST, Problem, faults
from handoff_api.routes.tasks import task_id
from handoff_api.settings import TASK_LIMIT
from handoff_api.state import ApiRequest
from handoff_api.views import Page, TaskView
from handoff_ledger import State
from handoff_ledger.calls import DeadLetters, actions, read, redrive, redrive_all
from handoff_ledger.records import Action

router = APIRouter(tags=["dead letters"])
MOST = 10_000  # tasks that one request queues again


@router.post("/v1/tasks/{id}/redrive", summary="Queue a dead or failed task again")
async def one(id: Annotated[str, Depends(task_id)], request: ApiRequest) -> TaskView:
    ledger = request.state["ledger"]
    await ledger.run(redrive(id, ledger.limits, request.state["client"]))
    return TaskView.of(await ledger.run(read(id)))


class Matching(BaseModel):
    """Which dead letters. What is left out matches all."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["dead", "failed"] = "dead"
    contract: str = Field(default="", pattern=r"^[a-z0-9_.]{0,200}$")
    code: str = Field(default="", max_length=100, description="The error's code")
    ended_from: AwareDatetime | None = None
    ended_until: AwareDatetime | None = None

    def letters(self) -> DeadLetters:
        times = {"ended_from_ms": self.ended_from, "ended_until_ms": self.ended_until}
        given = {name: int(time.timestamp() * 1000) for name, time in times.items() if time}
        return DeadLetters(state=State(self.state), contract=self.contract, code=self.code, **given)


class Redriven(BaseModel):
    """How many tasks were queued again; `more`: ask again for the rest."""

    redriven: int
    more: bool


async def matching(request: ApiRequest) -> Matching:
    body = await read_body(request, TASK_LIMIT)
    try:
        return Matching.model_validate(parse(body))
    except ValidationError as error:
        raise Problem(INVALID_REQUEST, faults=faults(error)) from None


BODY = {"required": True, "content": {"application/json": {"schema": Matching.model_json_schema()}}}


@router.post(
    "/v1/redrive",
    summary="Queue all dead letters again that match, the oldest first",
    openapi_extra={"requestBody": BODY},
)
async def all_matching(matching: Annotated[Matching, Depends(matching)], request: ApiRequest) -> Redriven:
    ledger, letters, done, cursor = request.state["ledger"], matching.letters(), 0, ""
    while done < MOST:
        count, cursor = await ledger.run(redrive_all(letters, ledger.limits, request.state["client"], cursor))
        done += count
        if not cursor:
            break
    return Redriven(redriven=done, more=bool(cursor))


class PageOf(BaseModel):
    """Which page."""

    model_config = ConfigDict(extra="forbid")

    cursor: str = Field(default="", max_length=400)
    limit: int = Field(default=50, ge=1, le=1000)


@router.get("/v1/actions", summary="List what clients and operators did: cancel and redrive, newest first")
async def listing(page: Annotated[PageOf, Query()], request: ApiRequest) -> Page[Action]:
    found, following = await request.state["ledger"].run(
        actions(page.limit, cursors.unseal(page.cursor, cursors.ACTIONS))
    )
    return Page(items=found, cursor=cursors.seal(following))
