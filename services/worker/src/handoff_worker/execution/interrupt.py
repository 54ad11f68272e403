"""What interrupts a sync handler: its time limit, or a signal because its cancellation was asked for.

Both strike only while a handler runs. Anywhere else they would cut the recording of what it has done.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

CANCEL = signal.SIGUSR1


class Interrupted(Exception):
    """The handler was stopped."""


def prepare() -> None:
    """Makes this process ready for interrupts, and holds them back."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {CANCEL})
    for each in (CANCEL, signal.SIGALRM):
        signal.signal(each, _interrupt)


def send(pid: int) -> None:
    """Interrupts the handler that runs in a pool process."""
    os.kill(pid, CANCEL)


@contextmanager
def interruptible(limit: float) -> Iterator[None]:
    """Lets interrupts through, and sends one after `limit` seconds. Raises `Interrupted` in the block."""
    while CANCEL in signal.sigpending():
        signal.sigwait({CANCEL})  # it was meant for an earlier run
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {CANCEL})
    try:
        signal.setitimer(signal.ITIMER_REAL, limit)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, {CANCEL})


def _interrupt(*_: object) -> None:
    raise Interrupted
