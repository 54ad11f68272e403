"""Queues are lanes: a worker serves some of them, a contract names the one its tasks wait in."""

from dataclasses import dataclass
from enum import StrEnum


class Priority(StrEnum):
    """The lane that a client may choose instead of the contract's own."""

    HIGH = "high"
    DEFAULT = "default"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class Queue:
    """A lane of the broker. `shared` lanes wait on the network, so a client may move a task from one to another."""

    name: str
    shared: bool


HIGH = Queue("high", shared=True)
DEFAULT = Queue("default", shared=True)
BULK = Queue("bulk", shared=True)
DOCUMENTS = Queue("documents", shared=False)  # burns CPU on untrusted input: workers of its own, no egress

QUEUES = {queue.name: queue for queue in (HIGH, DEFAULT, BULK, DOCUMENTS)}


def queue_for(home: Queue, priority: Priority | None) -> Queue:
    """The lane for a task whose contract lives in `home`.

    Raises:
        ValueError: a priority was chosen for a contract that has to stay in its lane.
    """
    if priority is None:
        return home
    if not home.shared:
        raise ValueError(f"tasks of the queue {home.name!r} take no priority")
    return QUEUES[priority]
