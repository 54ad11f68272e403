"""Cursors as clients see them: opaque. Inside is the ledger's own, which is checked before it goes back in."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from handoff_api.problems import BAD_CURSOR, Problem

TASKS = re.compile(r"(batch|handoff:[a-z0-9_.:]{1,200})\|\d{1,20}\|[0-9a-z.]{1,40}")
ACTIONS = re.compile(r"\d{1,20}-\d{1,20}")
ITEMS = re.compile(r"\d{1,7}\.(-1|\d{1,7})")


def seal(cursor: str) -> str | None:
    """The ledger's cursor for a client; None when there is no next page."""
    return urlsafe_b64encode(cursor.encode()).decode().rstrip("=") if cursor else None


def unseal(cursor: str, form: re.Pattern[str]) -> str:
    """The ledger's cursor again, '' for none. Raises a `Problem` when it is not one."""
    if not cursor:
        return ""
    try:
        inner = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        raise Problem(BAD_CURSOR) from None
    if not form.fullmatch(inner):
        raise Problem(BAD_CURSOR)
    return inner
