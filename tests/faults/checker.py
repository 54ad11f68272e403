"""Compares the client's log with the effects. Neither file depends on what Handoff reports about itself.

ok - executed     lost: accepted, but without an effect
executed - asked  unexpected: an effect that no client asked for
duplicates        an item of an idempotency key with more than one effect; at most one also when the client never
                  learned whether it was accepted

A kill between an effect and its record repeats the request. `repeated` counts these repeats; they must not exceed the
requests in flight at the kills.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.faults.client_log import Entry
from tests.faults.sink import Sink


@dataclass(frozen=True, slots=True)
class Findings:
    """Counts are of items: a single task is one."""

    accepted: int
    executed: int
    lost: list[str]
    unexpected: list[str]
    duplicates: list[str]
    repeated: int
    unknown: int
    unanswered: list[str] = field(default_factory=list)

    def faults(self) -> list[str]:
        """Return a sentence for each kind of violation."""
        said = (
            ("were accepted and had no effect", self.lost),
            ("had an effect that no client asked for", self.unexpected),
            ("had more than one effect", self.duplicates),
            ("have no final status in the client's log", self.unanswered),
        )
        return [f"{len(tokens)} {what}: {', '.join(tokens[:3])}" for what, tokens in said if tokens]


NOTHING = Findings(0, 0, [], [], [], 0, 0)


def check(entries: Mapping[str, Entry], sink: Sink, *, excused: frozenset[str] = frozenset()) -> Findings:
    """Compare the client's entries with the sink's requests. Keys in `excused` may have no effect."""
    effects = sink.refresh().effects()
    asked = {token for entry in entries.values() for token in entry.tokens}
    accepted = [
        token
        for entry in entries.values()
        if entry.status == "ok" and entry.key not in excused
        for token in entry.tokens
    ]
    return Findings(
        accepted=len(accepted),
        executed=len(effects.keys() - excused),
        lost=sorted(token for token in accepted if token not in effects),
        unexpected=sorted(effects.keys() - asked),
        duplicates=sorted(token for token, count in effects.items() if count > 1),
        repeated=sink.repeated(leave_out=excused),
        unknown=sum(entry.status == "unknown" for entry in entries.values()),
        unanswered=sorted(entry.key for entry in entries.values() if entry.status == "invoked"),
    )
