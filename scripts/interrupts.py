"""Handles Ctrl-C and SIGTERM: the first one stops the command, later ones do not disturb its cleanup."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import NoReturn

INTERRUPTS = (signal.SIGINT, signal.SIGTERM)


def ignore() -> None:
    """Ignore every further interrupt, so that cleanup finishes."""
    for number in INTERRUPTS:
        signal.signal(number, lambda *_: None)


def raise_once() -> None:
    """Raise KeyboardInterrupt at the first interrupt, and ignore later ones."""

    def interrupt(*_: object) -> NoReturn:
        ignore()
        raise KeyboardInterrupt

    for number in INTERRUPTS:
        signal.signal(number, interrupt)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay SIGINT and SIGTERM to the end of the block. An interrupt inside Popen would leave an unknown child."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python runs signal handlers only in the main thread
        return
    late: list[int] = []
    before = {number: signal.signal(number, lambda got, _: late.append(got)) for number in INTERRUPTS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for got in late:
            signal.raise_signal(got)
