"""Interrupts a sync handler with a signal: at its time limit, or when a client cancels its task.

The signals are blocked unless a handler runs. Otherwise they could interrupt the recording of its outcome.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

CANCEL = signal.SIGUSR1


class Interrupted(Exception):
    """A signal interrupted the handler."""


def prepare() -> None:
    """Installs the signal handlers in this process, and blocks the cancel signal."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {CANCEL})
    for number in (CANCEL, signal.SIGALRM):
        signal.signal(number, _interrupt)


def send(pid: int) -> None:
    """Interrupts the handler that runs in the pool process `pid`."""
    os.kill(pid, CANCEL)


@contextmanager
def interruptible(time_limit: float) -> Iterator[None]:
    """Unblocks the cancel signal in the block, and interrupts the block after `time_limit` seconds.

    Raises:
        Interrupted: in the block.
    """
    while CANCEL in signal.sigpending():
        signal.sigwait({CANCEL})  # drops a signal that was sent for an earlier task
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {CANCEL})
    try:
        signal.setitimer(signal.ITIMER_REAL, time_limit)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, {CANCEL})


def _interrupt(*_: object) -> None:
    raise Interrupted
