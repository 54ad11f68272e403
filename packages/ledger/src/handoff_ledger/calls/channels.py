"""Calls about channels to providers: rate limits, holds, and recipients that are gone."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from handoff_ledger.calls.base import MAX_RECORDS_PER_SCRIPT, Arg, Call, Limits, fields_of
from handoff_ledger.records import GoneRecipient

BURST_SECONDS = 0.1  # an idle channel may send the permits of this time at once


class Admitted(NamedTuple):
    """Permits to send. Without a permit: the seconds until there is one, and the reason of a hold or ''."""

    permits: int
    wait_seconds: float
    held: str


class ChannelHold(NamedTuple):
    """A channel that is on hold, the reason, and the seconds that remain."""

    channel: str
    why: str
    seconds: float


def admit(channel: str, rate: float, wanted: int) -> Call[Admitted]:
    """Takes up to `wanted` permits of a channel with `rate` permits a second; 0 is no limit."""

    def parse(reply: list[Any]) -> Admitted:
        permits, wait_us, held = reply
        return Admitted(permits, wait_us / 1e6, held)

    interval_us = int(1e6 / rate) if rate else 0
    return Call("admit", [channel, wanted, interval_us, max(int(BURST_SECONDS * 1e6), interval_us)], parse)


def hold(channel: str, why: str, seconds: float) -> Call[None]:
    """Puts a channel on hold for `seconds`, unless it is on hold for longer."""
    return Call("hold", [channel, why, int(seconds * 1000)], lambda _: None)


def holds() -> Call[list[ChannelHold]]:
    """Lists the channels on hold."""

    def parse(rows: list[Any]) -> list[ChannelHold]:
        return [ChannelHold(channel, why, left_ms / 1000) for channel, why, left_ms in rows]

    return Call("holds", [], parse)


def note_gone(gone: Sequence[tuple[str, str, str]], limits: Limits) -> Call[None]:
    """Records channel, recipient and task of recipients that are gone, `MAX_RECORDS_PER_SCRIPT` at most."""
    args: list[Arg] = [limits.retention_ms, *(value for entry in gone for value in entry)]
    return Call("note_gone", args, lambda _: None)


def list_gone(limit: int, since_ms: int = 0, cursor: str = "") -> Call[tuple[list[GoneRecipient], str]]:
    """Reads a page of recipients that are gone, oldest first, and the cursor after it, which stays valid at the end."""

    def parse(entries: list[Any]) -> tuple[list[GoneRecipient], str]:
        page = [GoneRecipient.from_fields(id, fields_of(flat)) for id, flat in entries]
        return page, entries[-1][0] if entries else cursor

    return Call("list_gone", [min(limit, MAX_RECORDS_PER_SCRIPT), since_ms, cursor], parse)
