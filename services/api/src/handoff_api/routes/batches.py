"""/v1/batches: submit, read, follow and cancel batches, and list their items."""

from collections.abc import AsyncIterator, Callable, Coroutine
from time import perf_counter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import Field
from starlette.responses import Response

from handoff_api import cursors
from handoff_api.body import read_body
from handoff_api.event_streams import DESCRIPTION, END_ALREADY_SENT, check_last_event_id, events
from handoff_api.payload_validator import PayloadValidator
from handoff_api.problems import UNKNOWN_BATCH, Problem
from handoff_api.request_state import ApiRequest
from handoff_api.settings import BATCH_LIMIT_BYTES
from handoff_api.submit import read_batch_submission, submit_batch
from handoff_api.views import BatchView, Page
from handoff_contracts import UnknownContract
from handoff_ledger import Batch, Item, State, UnknownTask
from handoff_ledger.calls import cancel_batch, read_batch
from handoff_ledger.calls.items import list_items
from handoff_ledger.ids import is_id

router = APIRouter(tags=["batches"])
ACCEPT_DESCRIPTION = (
    "Every item of the batch is one payload of the contract. The API accepts all items or none: when an item is wrong,"
    " the answer is 422 and names the index of every wrong item."
)


def accept_endpoint(validator: PayloadValidator) -> Callable[[ApiRequest], Coroutine[Any, Any, Response]]:
    """Return the endpoint that accepts batches of one contract."""

    async def accept(request: ApiRequest) -> Response:
        request.state["redis_health"].check_accepting()
        body = await read_body(request, BATCH_LIMIT_BYTES)
        started = perf_counter()
        view = BatchView.of(await submit_batch(request.state, *await read_batch_submission(request, validator, body)))
        answer = Response(view.model_dump_json(), 202, {"Location": view.links.self}, media_type="application/json")
        answer.headers["Server-Timing"] = f"accept;dur={(perf_counter() - started) * 1000:.1f}"
        return answer

    return accept


@router.post("/v1/batches/{contract}", include_in_schema=False)
async def refuse_unknown_contract(contract: str) -> None:
    raise UnknownContract(contract)


BatchPath = Annotated[str, Path(description="The id of the batch.")]


async def find_batch(id: BatchPath, request: ApiRequest) -> Batch:
    try:
        if not is_id(id):
            raise UnknownTask(id)
        return await request.state["ledger"].run(read_batch(id))
    except UnknownTask:
        raise Problem(UNKNOWN_BATCH) from None


FoundBatch = Annotated[Batch, Depends(find_batch)]


def has_ended(batch: Batch) -> bool:
    return batch.state == "ended"


@router.get("/v1/batches/{id}", summary="Read a batch", response_description="The batch")
async def get_batch(batch: FoundBatch) -> BatchView:
    """Returns the state of a batch and the number of its items in each state."""
    return BatchView.of(batch)


@router.delete("/v1/batches/{id}", summary="Cancel a batch", response_description="The batch after the call")
async def cancel(batch: FoundBatch, request: ApiRequest, response: Response) -> BatchView:
    """Cancels the items that wait, and asks the items that run to stop. No item starts after this call.

    The status is 200 when all items are cancelled, and 202 while the reconciler cancels the rest of a large batch.
    """
    ledger = request.state["ledger"]
    if (await ledger.run(cancel_batch(batch.id, ledger.limits, request.state["client"]))).more:
        response.status_code = 202
    return BatchView.of(await ledger.run(read_batch(batch.id)))


async def find_followed_batch(batch: FoundBatch, request: ApiRequest) -> Batch:
    check_last_event_id(request, batch)
    return batch


@router.get(
    "/v1/batches/{id}/events",
    summary="Follow a batch to its end",
    description=DESCRIPTION,
    response_description="The event stream",
    response_class=EventSourceResponse,
    responses=END_ALREADY_SENT,
)
async def follow(
    batch: Annotated[Batch, Depends(find_followed_batch)], request: ApiRequest
) -> AsyncIterator[ServerSentEvent]:
    async for event in events(request.state, batch.id, read_batch(batch.id), "batch", BatchView.of, has_ended):
        yield event


class ItemsQuery(cursors.PageQuery):
    """The filter and the page of a list of items."""

    state: State | None = Field(default=None, description="Lists only the items in this state.")


@router.get("/v1/batches/{id}/items", summary="List the items of a batch", response_description="A page of items")
async def list_batch_items(batch: FoundBatch, query: Annotated[ItemsQuery, Query()], request: ApiRequest) -> Page[Item]:
    """Lists items in the order of the request, each with its payload and its outcome."""
    scope = (batch.id, query.state)
    cursor = cursors.decode_cursor(query.cursor, cursors.ITEMS, *scope)
    page, following = await request.state["ledger"].run(list_items(batch.id, query.limit, query.state, cursor))
    return Page(items=page, cursor=cursors.encode_cursor(following, *scope))
