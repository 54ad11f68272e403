"""Providers that are imported and opened at their first use: a worker pays nothing for those that it never uses."""

from collections.abc import Callable
from importlib import import_module
from typing import Generic, Protocol, TypeVar

from handoff_worker.delivery.apps import Apps
from handoff_worker.settings import Settings


class Closable(Protocol):
    async def aclose(self) -> None:
        """Closes connections and files."""


T = TypeVar("T", bound=Closable)


class LazyProvider(Generic[T]):
    """Returns, when called, the provider that the first call opened with `module.open_provider(settings, apps)`."""

    def __init__(self, module: str, settings: Settings, apps: Apps) -> None:
        self._module = module
        self._settings = settings
        self._apps = apps
        self._opened: T | None = None

    def __call__(self) -> T:
        if self._opened is None:
            open_provider: Callable[[Settings, Apps], T] = import_module(self._module).open_provider
            self._opened = open_provider(self._settings, self._apps)
        return self._opened

    async def aclose(self) -> None:
        if self._opened is not None:
            await self._opened.aclose()
