"""Recipients that providers say are gone: what a client takes off its own list."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from handoff_api import cursors
from handoff_api.options import Time
from handoff_api.state import ApiRequest
from handoff_api.views import Page
from handoff_ledger.calls import list_gone
from handoff_ledger.records import Gone

router = APIRouter(tags=["recipients"])


class Since(BaseModel):
    """From when on, and which page."""

    model_config = ConfigDict(extra="forbid")

    since: Time | None = None
    cursor: str = Field(default="", max_length=400)
    limit: int = Field(default=100, ge=1, le=1000)


@router.get("/v1/recipients/gone", summary="List the recipients that are gone, oldest first")
async def gone(page: Annotated[Since, Query()], request: ApiRequest) -> Page[Gone]:
    """An empty page is the end for now: keep its cursor, and ask with it again for what came since."""
    since = int(page.since.timestamp() * 1000) if page.since else 0
    inner = cursors.unseal(page.cursor, cursors.STREAM, "gone")
    found, following = await request.state["ledger"].run(list_gone(page.limit, since, inner))
    return Page(items=found, cursor=cursors.seal(following, "gone"))
