"""Several reconcilers at once: the lock is taken from whoever leads, over and over."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.scene import Scene

EVERY_SECONDS = 0.02
LEADER = "handoff:leader"


@contextmanager
def two_reconcilers(scene: Scene) -> Iterator[set[str]]:
    """Inside the block every worker's sweep is run. Gives those who were seen to lead."""
    leaders: set[str] = set()
    stopped = threading.Event()

    def depose() -> None:
        while not stopped.wait(EVERY_SECONDS):
            leader = scene.redis.getdel(LEADER)
            if leader:
                leaders.add(str(leader))

    thread = threading.Thread(target=depose, daemon=True)
    thread.start()
    try:
        yield leaders
    finally:
        stopped.set()
        thread.join()
