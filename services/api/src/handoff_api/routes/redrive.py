"""Dead letters: queue one or all that match again, and list who cancelled or redrove what."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from handoff_api import cursors
from handoff_api.redrive import RedriveRequest, RedriveResult, read_redrive_request, redrive_matching
from handoff_api.request_state import ApiRequest
from handoff_api.routes.tasks import task_id
from handoff_api.views import Page, TaskView
from handoff_ledger.calls import actions, read, redrive
from handoff_ledger.records import Action

router = APIRouter(tags=["dead letters"])


@router.post("/v1/tasks/{id}/redrive", summary="Queue a dead or failed task again", response_description="The task")
async def redrive_task(id: Annotated[str, Depends(task_id)], request: ApiRequest) -> TaskView:
    """The task starts with attempt 0, as if it were new."""
    ledger = request.state["ledger"]
    await ledger.run(redrive(id, ledger.limits, request.state["client"]))
    return TaskView.of(await ledger.run(read(id)))


Body = Annotated[RedriveRequest, Depends(read_redrive_request)]


@router.post("/v1/redrive", summary="Queue all matching dead letters again", response_description="The numbers")
async def redrive_all_matching(body: Body, request: ApiRequest) -> RedriveResult:
    """Queues the oldest dead letters first."""
    return await redrive_matching(request.state["ledger"], body.to_filter(), request.state["client"])


@router.get("/v1/actions", summary="List actions", response_description="A page of actions")
async def list_actions(query: Annotated[cursors.PageQuery, Query()], request: ApiRequest) -> Page[Action]:
    """Lists who cancelled or redrove which tasks, the newest action first."""
    found, following = await request.state["ledger"].run(
        actions(query.limit, cursors.decode_cursor(query.cursor, cursors.STREAM))
    )
    return Page(items=found, cursor=cursors.encode_cursor(following))
