"""Ctrl-C and SIGTERM: one of them ends what runs, and breaks nothing on its way."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import NoReturn

INTERRUPTS = (signal.SIGINT, signal.SIGTERM)


def ignore() -> None:
    """Lets no further interrupt disturb what cleans up."""
    for number in INTERRUPTS:
        signal.signal(number, lambda *_: None)


def raise_once() -> None:
    """Makes the first interrupt a KeyboardInterrupt; those after it are ignored."""

    def interrupt(*_: object) -> NoReturn:
        ignore()
        raise KeyboardInterrupt

    for number in INTERRUPTS:
        signal.signal(number, interrupt)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Puts SIGINT and SIGTERM off to the end of the block: an interrupt within Popen would leave a child unknown."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python runs signal handlers in the main thread alone
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
