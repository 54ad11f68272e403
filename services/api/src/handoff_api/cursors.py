"""Pages of lists and their cursors. A client sees a cursor as an opaque text, which only fits one list and filter.

The text contains the ledger's own cursor, which the API checks before the ledger uses it again.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from zlib import crc32

from pydantic import BaseModel, ConfigDict, Field

from handoff_api.field_types import CursorText, PageSize
from handoff_api.problems import BAD_CURSOR, Problem

# A client can forge a cursor, so every number in a cursor has a range. Fifteen digits stay below 2**53. No stream entry
# has the time 0, and Redis rejects a page that ends before 0-0.
TASKS = re.compile(r"(batch|handoff:[a-z0-9_.:]{1,200})\|[0-9]{1,15}\|[0-9a-z.]{1,40}")
STREAM = re.compile(r"[1-9][0-9]{0,14}-[0-9]{1,15}")
ITEMS = re.compile(r"[0-9]{1,5}\.(-1|[0-9]{1,5})")  # pack.item; a batch has at most 100,000 items


class PageQuery(BaseModel):
    """The query parameters of every list."""

    model_config = ConfigDict(extra="forbid")

    cursor: CursorText = Field(default="", description="The `cursor` of the previous page; empty for the first page.")
    limit: PageSize = Field(default=50, description="The maximum number of entries in the page.")


def encode_cursor(cursor: str, *scope: object) -> str | None:
    """Return the ledger's cursor as clients see it, None when there is no next page.

    `scope` identifies the list and its filter.
    """
    if not cursor:
        return None
    return urlsafe_b64encode(f"{_checksum(scope)} {cursor}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str, form: re.Pattern[str], *scope: object) -> str:
    """Return the ledger's cursor, or '' for the first page.

    Raises:
        Problem: the cursor belongs to another list or filter, or is malformed.
    """
    if not cursor:
        return ""
    try:
        checksum, _, inner = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii").partition(" ")
    except ValueError:
        raise Problem(BAD_CURSOR) from None
    if checksum != _checksum(scope) or not form.fullmatch(inner):
        raise Problem(BAD_CURSOR)
    return inner


def _checksum(scope: tuple[object, ...]) -> str:
    return f"{crc32(repr(scope).encode()):08x}"
