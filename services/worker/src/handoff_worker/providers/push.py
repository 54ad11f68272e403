"""Push providers: they carry a notification to its device. Each is imported at its first notification."""

from typing import Protocol

from handoff_contracts.tasks.push_send import PushSend
from handoff_worker.delivery.apps import Apps
from handoff_worker.delivery.channel import Channel
from handoff_worker.delivery.lazy_provider import LazyProvider
from handoff_worker.delivery.responses import ProviderResponse
from handoff_worker.settings import Settings


class PushProvider(Protocol):
    """A push provider of one pool process. Its module's `open_provider(settings, apps)` returns it."""

    def channel(self, push: PushSend) -> Channel:
        """The channel of the notification. Raises `Fail` if its app does not exist."""

    async def send(self, push: PushSend) -> ProviderResponse:
        """Sends one notification. Every reply, and every error on the way, becomes a `ProviderResponse`."""

    async def aclose(self) -> None:
        """Closes connections and files."""


class PushProviders:
    """The push providers by name."""

    def __init__(self, settings: Settings, apps: Apps) -> None:
        self._settings = settings
        self._apps = apps
        self._providers: dict[str, LazyProvider[PushProvider]] = {}

    def __getitem__(self, name: str) -> PushProvider:
        if name not in self._providers:
            self._providers[name] = LazyProvider(f"{__package__}.{name}.client", self._settings, self._apps)
        return self._providers[name]()

    async def aclose(self) -> None:
        for provider in self._providers.values():
            await provider.aclose()
