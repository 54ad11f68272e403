"""/v1/batches: accept, read, cancel and follow batches; list their items."""

from collections.abc import AsyncIterator, Callable, Coroutine
from time import perf_counter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from handoff_api import cursors
from handoff_api.body import read as read_body
from handoff_api.event_streams import END_KNOWN, events, refuse_known_end
from handoff_api.field_types import CursorText, Limit
from handoff_api.payload_validator import Intake
from handoff_api.problems import UNKNOWN_BATCH, Problem
from handoff_api.request_state import ApiRequest
from handoff_api.settings import BATCH_LIMIT
from handoff_api.submit import batch_submission, submit_batch
from handoff_api.views import BatchView, Page
from handoff_contracts import UnknownContract
from handoff_ledger import Batch, Item, State, UnknownTask
from handoff_ledger.calls import cancel_batch, read_batch
from handoff_ledger.calls.items import list_items
from handoff_ledger.ids import is_id

router = APIRouter(tags=["batches"])


def accepting(intake: Intake) -> Callable[[ApiRequest], Coroutine[Any, Any, Response]]:
    """The endpoint that accepts batches of one contract."""

    async def accept(request: ApiRequest) -> Response:
        request.state["pulse"].admit()
        body = await read_body(request, BATCH_LIMIT)
        began = perf_counter()
        view = BatchView.of(await submit_batch(request.state, *await batch_submission(request, intake, body)))
        answer = Response(view.model_dump_json(), 202, {"Location": view.links.self}, media_type="application/json")
        answer.headers["Server-Timing"] = f"accept;dur={(perf_counter() - began) * 1000:.1f}"
        return answer

    return accept


@router.post("/v1/batches/{contract}", include_in_schema=False)
async def refuse(contract: str) -> None:
    raise UnknownContract(contract)


async def batch(id: str, request: ApiRequest) -> Batch:
    try:
        if not is_id(id):
            raise UnknownTask(id)
        return await request.state["ledger"].run(read_batch(id))
    except UnknownTask:
        raise Problem(UNKNOWN_BATCH) from None


Known = Annotated[Batch, Depends(batch)]


def has_ended(batch: Batch) -> bool:
    return batch.state == "ended"


@router.get("/v1/batches/{id}", summary="Read a batch")
async def get(batch: Known) -> BatchView:
    return BatchView.of(batch)


@router.delete("/v1/batches/{id}", summary="Cancel what waits of a batch, ask what runs to stop")
async def delete(batch: Known, request: ApiRequest, response: Response) -> BatchView:
    """200 when the whole batch was gone through; 202 while the reconciler goes on. No item of it starts meanwhile."""
    ledger = request.state["ledger"]
    if (await ledger.run(cancel_batch(batch.id, ledger.limits, request.state["client"]))).more:
        response.status_code = 202
    return BatchView.of(await ledger.run(read_batch(batch.id)))


async def followed(batch: Known, request: ApiRequest) -> Batch:
    refuse_known_end(request, batch)
    return batch


@router.get(
    "/v1/batches/{id}/events",
    summary="Follow a batch to its end",
    response_class=EventSourceResponse,
    responses=END_KNOWN,
)
async def follow(batch: Annotated[Batch, Depends(followed)], request: ApiRequest) -> AsyncIterator[ServerSentEvent]:
    async for event in events(request.state, batch.id, read_batch(batch.id), "batch", BatchView.of, has_ended):
        yield event


class Filter(BaseModel):
    """Which items, and which page of them."""

    model_config = ConfigDict(extra="forbid")

    state: State | None = None
    cursor: CursorText = ""
    limit: Limit = 50


@router.get("/v1/batches/{id}/items", summary="List the items of a batch by their index, each with its outcome")
async def items(batch: Known, filter: Annotated[Filter, Query()], request: ApiRequest) -> Page[Item]:
    scope = (batch.id, filter.state)
    cursor = cursors.unseal(filter.cursor, cursors.ITEMS, *scope)
    page, following = await request.state["ledger"].run(list_items(batch.id, filter.limit, filter.state, cursor))
    return Page(items=page, cursor=cursors.seal(following, *scope))
