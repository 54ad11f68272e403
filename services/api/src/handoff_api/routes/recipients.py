"""Recipients that providers say are gone: what a client takes off its own list."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from handoff_api import cursors
from handoff_api.ranges import CursorText, Limit, Time, epoch_ms
from handoff_api.state import ApiRequest
from handoff_api.views import Page
from handoff_ledger.calls import list_gone
from handoff_ledger.records import GoneRecipient

router = APIRouter(tags=["recipients"])


class Since(BaseModel):
    """From when on, and which page."""

    model_config = ConfigDict(extra="forbid")

    since: Time | None = None
    cursor: CursorText = ""
    limit: Limit = 100


@router.get("/v1/recipients/gone", summary="List the recipients that are gone, oldest first")
async def gone(page: Annotated[Since, Query()], request: ApiRequest) -> Page[GoneRecipient]:
    """An empty page is the end for now: keep its cursor, and ask with it again for what came since."""
    since = epoch_ms(page.since) if page.since else 0
    inner = cursors.unseal(page.cursor, cursors.STREAM, "gone")
    found, following = await request.state["ledger"].run(list_gone(page.limit, since, inner))
    return Page(items=found, cursor=cursors.seal(following, "gone"))
