"""The name of the work in hand, for what the world outside is to recognise when it is repeated."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_name: ContextVar[str] = ContextVar("identity")


def identity() -> str:
    """The id of the task that runs here, with the item's place in a pack: the same in every attempt.

    Raises:
        LookupError: no task runs here.
    """
    return _name.get()


def name(it: str) -> None:
    """Gives all that runs in this context from now on this name."""
    _name.set(it)


@contextmanager
def named(name: str) -> Iterator[None]:
    """Gives what runs in it this name."""
    token = _name.set(name)
    try:
        yield
    finally:
        _name.reset(token)
