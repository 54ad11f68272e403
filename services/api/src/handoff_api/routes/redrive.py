"""Dead letters: queue them again, one or all that match, and read who did what."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict

from handoff_api import cursors
from handoff_api.field_types import CursorText, Limit
from handoff_api.redrive import Matching, Redriven, matching, redrive_matching
from handoff_api.request_state import ApiRequest
from handoff_api.routes.tasks import task_id
from handoff_api.views import Page, TaskView
from handoff_ledger.calls import actions, read, redrive
from handoff_ledger.records import Action

router = APIRouter(tags=["dead letters"])


@router.post("/v1/tasks/{id}/redrive", summary="Queue a dead or failed task again")
async def one(id: Annotated[str, Depends(task_id)], request: ApiRequest) -> TaskView:
    ledger = request.state["ledger"]
    await ledger.run(redrive(id, ledger.limits, request.state["client"]))
    return TaskView.of(await ledger.run(read(id)))


BODY = {"required": True, "content": {"application/json": {"schema": Matching.model_json_schema()}}}


@router.post(
    "/v1/redrive",
    summary="Queue all dead letters again that match, the oldest first",
    openapi_extra={"requestBody": BODY},
)
async def all_matching(matching: Annotated[Matching, Depends(matching)], request: ApiRequest) -> Redriven:
    return await redrive_matching(request.state["ledger"], matching.letters(), request.state["client"])


class PageOf(BaseModel):
    """Which page."""

    model_config = ConfigDict(extra="forbid")

    cursor: CursorText = ""
    limit: Limit = 50


@router.get("/v1/actions", summary="List what clients and operators did: cancel and redrive, newest first")
async def listing(page: Annotated[PageOf, Query()], request: ApiRequest) -> Page[Action]:
    found, following = await request.state["ledger"].run(
        actions(page.limit, cursors.unseal(page.cursor, cursors.STREAM))
    )
    return Page(items=found, cursor=cursors.seal(following))
