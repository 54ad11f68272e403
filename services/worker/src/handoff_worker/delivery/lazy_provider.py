"""What is made when it is first used, by a module that is imported only then: unused, it costs nothing."""

from collections.abc import Callable
from importlib import import_module
from typing import Generic, Protocol, TypeVar

from handoff_worker.delivery.apps import Apps
from handoff_worker.settings import Settings


class Closes(Protocol):
    async def aclose(self) -> None:
        """Closes what it holds open."""


T = TypeVar("T", bound=Closes)


class LazyProvider(Generic[T]):
    """Gives, when it is called, what the module's `open_provider(settings, apps)` made at the first call."""

    def __init__(self, module: str, settings: Settings, apps: Apps) -> None:
        self._module = module
        self._settings = settings
        self._apps = apps
        self._made: T | None = None

    def __call__(self) -> T:
        if self._made is None:
            make: Callable[[Settings, Apps], T] = import_module(self._module).open_provider
            self._made = make(self._settings, self._apps)
        return self._made

    async def aclose(self) -> None:
        if self._made is not None:
            await self._made.aclose()
