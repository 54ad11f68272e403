"""What a provider makes of its apps' files: each is read once, and once more when it is another one."""

from collections.abc import Callable
from typing import Generic, TypeVar

from handoff_worker.delivery.apps import App
from handoff_worker.errors import Fail

T = TypeVar("T")


class Parsed(Generic[T]):
    """`make` gives what a file's text means, and raises `ValueError` for a malformed one."""

    def __init__(self, make: Callable[[str], T]) -> None:
        self._make = make
        self._made: dict[str, tuple[App, T]] = {}

    def of(self, app: App) -> T:
        """What was made of an app's file. Raises `Fail` for a malformed one, with nothing of it."""
        name = app.channel.name.rpartition(":")[0]
        if (made := self._made.get(name)) and made[0] is app:
            return made[1]
        try:
            meaning = self._make(app.text)
        except ValueError:
            raise Fail("bad_credential", "The credential's file is malformed.") from None
        self._made[name] = app, meaning
        return meaning
