"""The signal that interrupts a sync handler: at its time limit, or because its cancellation was asked for.

It reaches this thread only while a handler runs. Anywhere else it would cut the recording of what the handler has done.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from billiard.exceptions import SoftTimeLimitExceeded

Interrupted = SoftTimeLimitExceeded
SIGNAL = signal.SIGUSR1  # Celery's for its soft time limit


def hold() -> None:
    """Holds the signal back in this process."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {SIGNAL})


def send(pid: int) -> None:
    """Interrupts the handler that runs in a pool process."""
    os.kill(pid, SIGNAL)


@contextmanager
def interruptible() -> Iterator[None]:
    """Lets the signal through. Raises `Interrupted` in the block."""
    while SIGNAL in signal.sigpending():
        signal.sigwait({SIGNAL})  # it was meant for an earlier run
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {SIGNAL})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, {SIGNAL})
