"""/v1/tasks: accept, read, list, cancel and follow single tasks."""

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from handoff_api import cursors
from handoff_api.body import read as read_body
from handoff_api.event_streams import END_KNOWN, events, refuse_known_end
from handoff_api.field_types import BatchId, ContractName, CursorText, Limit
from handoff_api.options import wait
from handoff_api.payload_validator import Intake
from handoff_api.request_state import ApiRequest
from handoff_api.settings import TASK_LIMIT
from handoff_api.submit import has_ended, submission, submit
from handoff_api.views import Page, TaskView
from handoff_contracts import UnknownContract
from handoff_ledger import State, Task, UnknownTask
from handoff_ledger.calls import cancel, list_tasks, read
from handoff_ledger.ids import is_id

router = APIRouter(tags=["tasks"])


def accepting(intake: Intake) -> Callable[[ApiRequest], Coroutine[Any, Any, Response]]:
    """The endpoint that accepts tasks of one contract."""

    async def accept(request: ApiRequest) -> Response:
        request.state["pulse"].admit()
        task = submission(request, intake, await read_body(request, TASK_LIMIT))
        granted = wait(request)
        return accepted(await submit(request.state, task, granted), granted)

    return accept


def accepted(task: TaskView, granted: int = 0) -> Response:
    """202 with the task; 200 when the caller waited for its end and saw it."""
    headers = {"Location": task.links.self}
    if granted:
        headers["Preference-Applied"] = f"wait={granted}"
    status = 200 if granted and task.state.ended else 202
    return Response(task.__pydantic_serializer__.to_json(task), status, headers, media_type="application/json")


@router.post("/v1/tasks/{contract}", include_in_schema=False)
async def refuse(contract: str) -> None:
    raise UnknownContract(contract)


def task_id(id: str) -> str:
    if not is_id(id):
        raise UnknownTask(id)
    return id


async def task(id: Annotated[str, Depends(task_id)], request: ApiRequest) -> Task:
    return await request.state["ledger"].run(read(id))


class Filter(BaseModel):
    """Which tasks, and which page of them."""

    model_config = ConfigDict(extra="forbid")

    state: State | None = None
    contract: ContractName = ""
    batch: BatchId = ""
    cursor: CursorText = ""
    limit: Limit = 50


@router.get("/v1/tasks", summary="List tasks, newest first in each state")
async def listing(filter: Annotated[Filter, Query()], request: ApiRequest) -> Page[TaskView]:
    scope = (filter.state, filter.contract, filter.batch)
    cursor = cursors.unseal(filter.cursor, cursors.TASKS, *scope)
    call = list_tasks(filter.limit, filter.state, filter.contract, filter.batch, cursor)
    tasks, following = await request.state["ledger"].run(call)
    return Page(items=[TaskView.of(task) for task in tasks], cursor=cursors.seal(following, *scope))


@router.get("/v1/tasks/{id}", summary="Read a task")
async def get(task: Annotated[Task, Depends(task)]) -> TaskView:
    return TaskView.of(task)


@router.delete("/v1/tasks/{id}", summary="Cancel a task, or ask the one that runs to stop")
async def delete(id: Annotated[str, Depends(task_id)], request: ApiRequest) -> TaskView:
    ledger = request.state["ledger"]
    await ledger.run(cancel(id, ledger.limits, request.state["client"]))
    return TaskView.of(await ledger.run(read(id)))


async def followed(task: Annotated[Task, Depends(task)], request: ApiRequest) -> Task:
    refuse_known_end(request, task)
    return task


@router.get(
    "/v1/tasks/{id}/events",
    summary="Follow a task to its end",
    response_class=EventSourceResponse,
    responses=END_KNOWN,
)
async def follow(task: Annotated[Task, Depends(followed)], request: ApiRequest) -> AsyncIterator[ServerSentEvent]:
    async for event in events(request.state, task.id, read(task.id), "task", TaskView.of, has_ended):
        yield event
