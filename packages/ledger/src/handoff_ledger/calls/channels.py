"""Channels to providers: their pace, what holds them up, and the recipients that are gone."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from handoff_ledger.calls.base import MAX_RECORDS_PER_SCRIPT, Arg, Call, Limits, fields_of
from handoff_ledger.records import GoneRecipient

BURST_SECONDS = 0.1  # a channel that was idle may send so many seconds' worth at once


class Admitted(NamedTuple):
    """Permits to send; without any, the seconds until there are some, and why when the channel is held."""

    permits: int
    wait_seconds: float
    held: str


class ChannelHold(NamedTuple):
    """A channel that nothing is sent through, why, and for how many seconds from now."""

    channel: str
    why: str
    seconds: float


def admit(channel: str, rate: float, wanted: int) -> Call[Admitted]:
    """Takes up to `wanted` permits of a channel that lets `rate` a second through; 0: as many as are wanted."""

    def parse(reply: list[Any]) -> Admitted:
        permits, wait_us, held = reply
        return Admitted(permits, wait_us / 1e6, held)

    interval_us = int(1e6 / rate) if rate else 0
    return Call("admit", [channel, wanted, interval_us, max(int(BURST_SECONDS * 1e6), interval_us)], parse)


def hold(channel: str, why: str, seconds: float) -> Call[None]:
    """Holds a channel for `seconds`, unless it is held for longer."""
    return Call("hold", [channel, why, int(seconds * 1000)], lambda _: None)


def holds() -> Call[list[ChannelHold]]:
    """The channels that are held."""

    def parse(rows: list[Any]) -> list[ChannelHold]:
        return [ChannelHold(channel, why, left_ms / 1000) for channel, why, left_ms in rows]

    return Call("holds", [], parse)


def note_gone(gone: Sequence[tuple[str, str, str]], limits: Limits) -> Call[None]:
    """Lists recipients that are gone, `MAX_RECORDS_PER_SCRIPT` at most: channel, recipient and task of each."""
    args: list[Arg] = [limits.retention_ms, *(value for entry in gone for value in entry)]
    return Call("note_gone", args, lambda _: None)


def list_gone(limit: int, since_ms: int = 0, cursor: str = "") -> Call[tuple[list[GoneRecipient], str]]:
    """A page of the recipients that are gone, oldest first, and the cursor of what comes after it, some day."""

    def parse(entries: list[Any]) -> tuple[list[GoneRecipient], str]:
        page = [GoneRecipient.from_fields(id, fields_of(flat)) for id, flat in entries]
        return page, entries[-1][0] if entries else cursor

    return Call("list_gone", [min(limit, MAX_RECORDS_PER_SCRIPT), since_ms, cursor], parse)
