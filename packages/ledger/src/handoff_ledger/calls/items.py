"""The call that reads the items of a batch."""

from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json

from handoff_ledger.calls.base import Call, fields_of
from handoff_ledger.errors import UnknownTask
from handoff_ledger.records import Failure, Item, State


def list_items(batch: str, limit: int, state: State | None = None, cursor: str = "") -> Call[tuple[list[Item], str]]:
    """Reads a page of items by index, and the cursor of the next page ('' for none). Raises `UnknownTask`."""
    after = int(cursor.partition(".")[0]) if cursor else 0
    seen = int(cursor.partition(".")[2]) if cursor else -1

    def parse(reply: list[Any] | None) -> tuple[list[Item], str]:
        if not reply:
            raise UnknownTask(batch)
        packs, following, *rows = reply
        page: list[Item] = []
        last = (after, seen)
        for number, *row in rows:
            for at, item in enumerate(_items(*row)):
                if (number == after and at <= seen) or (state and item.state is not state):
                    continue
                if len(page) == limit:
                    return page, f"{last[0]}.{last[1]}"
                page.append(item)
                last = number, at
        return page, f"{following}.-1" if following < packs else ""

    return Call("list_items", [batch, after, limit + seen + 1, state or ""], parse)


def _items(record: list[str], payload: str | None, outcome: str | None, chunks: list[str]) -> Iterator[Item]:
    if payload is None:  # it expired a moment before its record
        return
    fields = fields_of(record)
    first, pack = int(fields["first"]), State(fields["state"])
    recorded = {at: (State(state), value) for chunk in chunks for at, state, value in from_json(chunk)}
    # An item without its own outcome has the outcome of its pack.
    shared = from_json(outcome).get("error") if outcome and pack.ended else None
    for at, item in enumerate(from_json(payload)):
        state, value = recorded.get(at, (pack, shared))
        succeeded = state is State.SUCCEEDED
        yield Item(
            index=first + at,
            state=state,
            item=item,
            result=value if succeeded else None,
            error=Failure(**value) if value and not succeeded else None,
        )
