"""The states of an HTTP connection. A connection is in exactly one state, and each state has exactly one timer.

`protocol.py` derives the state after every event. A new state, or the next request, starts the timer of that state.
Bytes alone never restart a timer.
"""

from dataclasses import dataclass
from enum import Enum


class Expiry(Enum):
    """What the server does when the timer of a state runs out."""

    REFUSE = "answer 408, then close; only close when an answer has started"
    CLOSE = "close"
    ABORT = "abort, unless the client took some of the unsent bytes since the timer started"


@dataclass(frozen=True, eq=False, slots=True)
class ConnectionState:
    """One row of the table of states.

    Attributes:
        entered_when: the event that leads into the state.
        seconds: how long the timer runs; None stands for the setting HANDOFF_API_KEEP_ALIVE.
        at_expiry: what the server does when the timer runs out.
        left_when: the event that leads out of the state.
    """

    name: str
    entered_when: str
    seconds: float | None
    at_expiry: Expiry
    left_when: str


NEW = ConnectionState(
    "new",
    "the client connects",
    10.0,
    Expiry.REFUSE,
    "the first byte of a request arrives; an empty line does not count",
)
HEAD = ConnectionState(
    "head",
    "the first byte of a request arrives while no earlier request waits for its answer",
    10.0,
    Expiry.REFUSE,
    "the head is complete",
)
BODY = ConnectionState(
    "body",
    "a head is complete and its body is not; an answer before the end of the body does not change the state",
    60.0,
    Expiry.REFUSE,
    "the body is complete",
)
ANSWERING = ConnectionState(
    "answering",
    "a request is complete and its answer is not",
    24 * 60 * 60.0,  # an event stream is the longest answer; its client reconnects
    Expiry.CLOSE,
    "the answer is complete",
)
HALF_CLOSED = ConnectionState(
    "half-closed",
    "the client closes its side after a complete request whose answer has not started",
    60.0,
    Expiry.CLOSE,
    "the answer is complete; at any other time the end of the client's side closes the connection",
)
STALLED = ConnectionState(
    "stalled",
    "the client leaves more than 64 KiB of answers unread",
    30.0,
    Expiry.ABORT,
    "the client has read what was unsent",
)
IDLE = ConnectionState(
    "idle", "the last answer is complete", None, Expiry.CLOSE, "the first byte of the next request arrives"
)
CLOSING = ConnectionState(
    "closing",
    "the server closes; it discards input while the client still sends, so that no reset destroys the answer",
    30.0,
    Expiry.ABORT,
    "the client has read the answer, and has closed its side if it was still sending",
)
CLOSED = ConnectionState(
    "closed", "the connection is lost, by a close or by a reset", None, Expiry.CLOSE, "never: no timer runs"
)

TIMED = (NEW, HEAD, BODY, ANSWERING, HALF_CLOSED, STALLED, IDLE, CLOSING)
