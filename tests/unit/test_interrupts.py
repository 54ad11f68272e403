"""One interrupt ends what runs; it waits for what it would break, and a second one disturbs no cleaning up."""

import signal
from collections.abc import Iterator

import pytest

from interrupts import INTERRUPTS, raise_once, uninterrupted


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in INTERRUPTS}
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are started without it
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_an_interrupt_waits_for_the_end_of_what_it_would_break() -> None:
    steps = []

    def interrupted() -> None:
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            steps.append("went on")
        steps.append("unreached")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert steps == ["went on"]


@pytest.mark.parametrize("first", INTERRUPTS)
def test_those_after_the_first_are_ignored(first: signal.Signals) -> None:
    raise_once()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(first)
    for number in INTERRUPTS:
        signal.raise_signal(number)


def test_two_that_waited_are_one() -> None:
    def interrupted_twice() -> None:
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    raise_once()
    with pytest.raises(KeyboardInterrupt):
        interrupted_twice()
    signal.raise_signal(signal.SIGINT)
