"""The queues that tasks wait in. A contract names its queue, and each worker serves some of the queues."""

from dataclasses import dataclass
from enum import StrEnum


class Priority(StrEnum):
    """A queue that a client can choose instead of the contract's own."""

    HIGH = "high"
    DEFAULT = "default"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue. In a `shared` one all tasks wait on the network, so a client can move a task to another shared queue."""

    name: str
    shared: bool


HIGH = Queue("high", shared=True)
DEFAULT = Queue("default", shared=True)
BULK = Queue("bulk", shared=True)
DOCUMENTS = Queue("documents", shared=False)  # needs CPU and reads untrusted input: separate workers, no egress

QUEUES = {queue.name: queue for queue in (HIGH, DEFAULT, BULK, DOCUMENTS)}


def queue_for(home: Queue, priority: Priority | None) -> Queue:
    """Returns the queue of a task whose contract names `home`.

    Raises:
        ValueError: a priority was given, and the queue is not shared.
    """
    if priority is None:
        return home
    if not home.shared:
        raise ValueError(f"tasks of the queue {home.name!r} take no priority")
    return QUEUES[priority]
