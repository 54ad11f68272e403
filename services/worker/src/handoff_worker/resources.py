"""What the handlers of one pool process share: made once, closed when the process ends."""

from collections.abc import Mapping
from dataclasses import dataclass

from handoff_worker.providers import PushProvider
from handoff_worker.providers.log import LogProvider
from handoff_worker.settings import Settings


@dataclass(frozen=True, slots=True)
class Resources:
    """`push`: providers of push notifications by name."""

    push: Mapping[str, PushProvider]

    @classmethod
    def open(cls, settings: Settings) -> "Resources":
        return cls(push={"log": LogProvider(settings.notification_log, settings.log_provider_delay)})

    async def aclose(self) -> None:
        for provider in self.push.values():
            await provider.aclose()
