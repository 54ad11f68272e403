"""A cache of what a provider parses from its apps' files."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from handoff_worker.delivery.apps import App, Apps
from handoff_worker.errors import Fail

T = TypeVar("T")


@dataclass(slots=True)
class _Entry(Generic[T]):
    app: App
    value: T
    check_at: float


class CredentialCache(Generic[T]):
    """Keeps one parsed value an app, and parses again when the app's file changes.

    `parse` raises `ValueError` for a malformed file. `recheck_seconds`: how long a value is used without a look at
    its file. `discard` gets a value that a newer one replaces.
    """

    def __init__(
        self,
        apps: Apps,
        provider: str,
        parse: Callable[[App], T],
        *,
        recheck_seconds: float = 0.0,
        discard: Callable[[T], None] | None = None,
    ) -> None:
        self._apps = apps
        self._provider = provider
        self._parse = parse
        self._recheck_seconds = recheck_seconds
        self._discard = discard
        self._entries: dict[str, _Entry[T]] = {}

    def get(self, name: str) -> T:
        """The parsed credential of an app. Raises `Fail` if there is none, or for a malformed file."""
        entry, now = self._entries.get(name), time.monotonic()
        if entry is not None and now < entry.check_at:
            return entry.value
        app = self._apps.get(self._provider, name)
        if entry is not None and entry.app is app:
            entry.check_at = now + self._recheck_seconds
            return entry.value
        try:
            value = self._parse(app)
        except ValueError:
            raise Fail("bad_credential", "The credential's file is malformed.") from None  # its text stays secret
        if entry is not None and self._discard:
            self._discard(entry.value)
        self._entries[name] = _Entry(app, value, now + self._recheck_seconds)
        return value

    def values(self) -> list[T]:
        """The values in use."""
        return [entry.value for entry in self._entries.values()]
