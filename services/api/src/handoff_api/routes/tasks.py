"""/v1/tasks: submit, read, list, follow and cancel single tasks."""

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import Field
from starlette.responses import Response

from handoff_api import cursors
from handoff_api.body import read_body
from handoff_api.event_streams import DESCRIPTION, END_ALREADY_SENT, check_last_event_id, events
from handoff_api.field_types import BatchId, ContractName
from handoff_api.options import preferred_wait_seconds
from handoff_api.payload_validator import PayloadValidator
from handoff_api.request_state import ApiRequest
from handoff_api.settings import TASK_LIMIT_BYTES
from handoff_api.submit import has_ended, read_task_submission, submit_task
from handoff_api.views import Page, TaskView
from handoff_contracts import UnknownContract
from handoff_ledger import State, Task, UnknownTask
from handoff_ledger.calls import cancel, list_tasks, read
from handoff_ledger.ids import is_id

router = APIRouter(tags=["tasks"])
ACCEPT_DESCRIPTION = (
    "The status is 202 and the task waits in its queue. With `Prefer: wait=N` the status is 200 when the task ended in"
    " time."
)


def accept_endpoint(validator: PayloadValidator) -> Callable[[ApiRequest], Coroutine[Any, Any, Response]]:
    """Return the endpoint that accepts tasks of one contract."""

    async def accept(request: ApiRequest) -> Response:
        request.state["redis_health"].check_accepting()
        submission = read_task_submission(request, validator, await read_body(request, TASK_LIMIT_BYTES))
        wait_seconds = preferred_wait_seconds(request)
        return accepted_response(await submit_task(request.state, submission, wait_seconds), wait_seconds)

    return accept


def accepted_response(task: TaskView, wait_seconds: int) -> Response:
    """Return 202 with the task, or 200 when the client waited and the task has ended."""
    headers = {"Location": task.links.self}
    if wait_seconds:
        headers["Preference-Applied"] = f"wait={wait_seconds}"
    status = 200 if wait_seconds and task.state.ended else 202
    return Response(task.__pydantic_serializer__.to_json(task), status, headers, media_type="application/json")


@router.post("/v1/tasks/{contract}", include_in_schema=False)
async def refuse_unknown_contract(contract: str) -> None:
    raise UnknownContract(contract)


TaskPath = Annotated[str, Path(description="The id of the task.")]


def task_id(id: TaskPath) -> str:
    if not is_id(id):
        raise UnknownTask(id)
    return id


async def find_task(id: Annotated[str, Depends(task_id)], request: ApiRequest) -> Task:
    return await request.state["ledger"].run(read(id))


class TasksQuery(cursors.PageQuery):
    """The filter and the page of a list of tasks."""

    state: State | None = Field(default=None, description="Lists only the tasks in this state.")
    contract: ContractName = Field(default="", description="Lists only the tasks of this contract.")
    batch: BatchId = Field(default="", description="Lists only the tasks that carry the items of this batch.")


@router.get("/v1/tasks", summary="List tasks", response_description="A page of tasks")
async def list_all(query: Annotated[TasksQuery, Query()], request: ApiRequest) -> Page[TaskView]:
    """Lists tasks state by state, the newest of each state first."""
    scope = (query.state, query.contract, query.batch)
    cursor = cursors.decode_cursor(query.cursor, cursors.TASKS, *scope)
    call = list_tasks(query.limit, query.state, query.contract, query.batch, cursor)
    tasks, following = await request.state["ledger"].run(call)
    return Page(items=[TaskView.of(task) for task in tasks], cursor=cursors.encode_cursor(following, *scope))


@router.get("/v1/tasks/{id}", summary="Read a task", response_description="The task")
async def get_task(task: Annotated[Task, Depends(find_task)]) -> TaskView:
    """Returns the state of a task and, after its end, the result or the error."""
    return TaskView.of(task)


@router.delete("/v1/tasks/{id}", summary="Cancel a task", response_description="The task after the call")
async def cancel_task(id: Annotated[str, Depends(task_id)], request: ApiRequest) -> TaskView:
    """Cancels a task that waits, and asks a task that runs to stop. A task that has ended stays unchanged."""
    ledger = request.state["ledger"]
    await ledger.run(cancel(id, ledger.limits, request.state["client"]))
    return TaskView.of(await ledger.run(read(id)))


async def find_followed_task(task: Annotated[Task, Depends(find_task)], request: ApiRequest) -> Task:
    check_last_event_id(request, task)
    return task


@router.get(
    "/v1/tasks/{id}/events",
    summary="Follow a task to its end",
    description=DESCRIPTION,
    response_description="The event stream",
    response_class=EventSourceResponse,
    responses=END_ALREADY_SENT,
)
async def follow(
    task: Annotated[Task, Depends(find_followed_task)], request: ApiRequest
) -> AsyncIterator[ServerSentEvent]:
    async for event in events(request.state, task.id, read(task.id), "task", TaskView.of, has_ended):
        yield event
