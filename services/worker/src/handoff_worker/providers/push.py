"""Push providers carry a notification to its device. Each is imported when the first notification goes through it."""

from collections.abc import Callable
from importlib import import_module
from typing import Protocol

from handoff_contracts.tasks.push_send import PushSend
from handoff_worker.delivery.apps import Apps
from handoff_worker.delivery.channel import Channel
from handoff_worker.delivery.responses import ProviderResponse
from handoff_worker.settings import Settings


class PushProvider(Protocol):
    """A way to a device. Its module's `open_provider(settings, apps)` makes one, for the life of a pool process."""

    def channel(self, push: PushSend) -> Channel:
        """What the notification goes through. Raises `Fail` when its app is none."""

    async def send(self, push: PushSend) -> ProviderResponse:
        """Sends one notification. Every reply, and every error on the way, becomes a `ProviderResponse`."""

    async def aclose(self) -> None:
        """Closes what it holds open."""


class PushProviders:
    """The providers by name, opened as they are needed."""

    def __init__(self, settings: Settings, apps: Apps) -> None:
        self._settings = settings
        self._apps = apps
        self._open: dict[str, PushProvider] = {}

    def __getitem__(self, name: str) -> PushProvider:
        if name not in self._open:
            make: Callable[[Settings, Apps], PushProvider] = import_module(f"{__package__}.{name}.client").open_provider
            self._open[name] = make(self._settings, self._apps)
        return self._open[name]

    async def aclose(self) -> None:
        for provider in self._open.values():
            await provider.aclose()
