"""Cursors as clients see them: opaque, and good for the list and the filter that gave them out.

Inside is the ledger's own, which is checked before it goes back in.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from zlib import crc32

from handoff_api.problems import BAD_CURSOR, Problem

# A client can make a cursor of its own, so each number in one has a range. Fifteen digits are below 2**53. No entry of
# a stream has the time 0, and Redis refuses a page that ends before 0-0.
TASKS = re.compile(r"(batch|handoff:[a-z0-9_.:]{1,200})\|[0-9]{1,15}\|[0-9a-z.]{1,40}")
STREAM = re.compile(r"[1-9][0-9]{0,14}-[0-9]{1,15}")
ITEMS = re.compile(r"[0-9]{1,5}\.(-1|[0-9]{1,5})")  # a pack, and an item in it: 100,000 items are the most of a batch


def seal(cursor: str, *scope: object) -> str | None:
    """The ledger's cursor for a client; None when there is no next page. `scope`: the list and its filter."""
    if not cursor:
        return None
    return urlsafe_b64encode(f"{_mark(scope)} {cursor}".encode()).decode().rstrip("=")


def unseal(cursor: str, form: re.Pattern[str], *scope: object) -> str:
    """The ledger's cursor again, '' for none. Raises a `Problem` when it is not one of this list."""
    if not cursor:
        return ""
    try:
        mark, _, inner = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii").partition(" ")
    except ValueError:
        raise Problem(BAD_CURSOR) from None
    if mark != _mark(scope) or not form.fullmatch(inner):
        raise Problem(BAD_CURSOR)
    return inner


def _mark(scope: tuple[object, ...]) -> str:
    return f"{crc32(repr(scope).encode()):08x}"
