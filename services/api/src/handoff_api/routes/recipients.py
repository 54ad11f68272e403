"""/v1/recipients/gone: the recipients that providers report as gone, so that clients can delete them."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from handoff_api import cursors
from handoff_api.field_types import PageSize, Time, epoch_ms
from handoff_api.request_state import ApiRequest
from handoff_api.views import Page
from handoff_ledger.calls import list_gone
from handoff_ledger.records import GoneRecipient

router = APIRouter(tags=["recipients"])


class GoneQuery(cursors.PageQuery):
    """The first time and the page of a list of recipients."""

    since: Time | None = Field(default=None, description="Lists only reports from this time on (RFC 3339).")
    limit: PageSize = Field(default=100, description="The maximum number of entries in the page.")


@router.get("/v1/recipients/gone", summary="List gone recipients", response_description="A page of recipients")
async def list_gone_recipients(query: Annotated[GoneQuery, Query()], request: ApiRequest) -> Page[GoneRecipient]:
    """Lists the oldest report first. An empty page is the end for now: use its cursor later to list newer reports."""
    since = epoch_ms(query.since) if query.since else 0
    inner = cursors.decode_cursor(query.cursor, cursors.STREAM, "gone")
    found, following = await request.state["ledger"].run(list_gone(query.limit, since, inner))
    return Page(items=found, cursor=cursors.encode_cursor(following, "gone"))
