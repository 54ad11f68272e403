"""What the handlers of one pool process share: made once, closed when the process ends."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from handoff_ledger import SyncLedger
from handoff_worker.delivery.apps import Apps
from handoff_worker.delivery.lazy_provider import LazyProvider
from handoff_worker.delivery.rate_limiter import RateLimiter
from handoff_worker.providers.push import PushProviders
from handoff_worker.settings import Settings

if TYPE_CHECKING:
    from handoff_worker.providers.http_request.client import HttpRequestClient
    from handoff_worker.providers.smtp.client import SmtpServers


@dataclass(frozen=True, slots=True)
class Resources:
    """`apps`: credentials; `rate_limiter`: rates of the whole fleet; `push`: push providers by name;
    `http_requests`: the client for any server on the internet; `mail`: mail servers by app.
    """

    settings: Settings
    apps: Apps
    rate_limiter: RateLimiter
    push: PushProviders
    http_requests: "LazyProvider[HttpRequestClient]"
    mail: "LazyProvider[SmtpServers]"

    @classmethod
    def open(cls, settings: Settings, ledger: SyncLedger) -> "Resources":
        apps = Apps(settings)
        return cls(
            settings=settings,
            apps=apps,
            rate_limiter=RateLimiter(ledger),
            push=PushProviders(settings, apps),
            http_requests=LazyProvider("handoff_worker.providers.http_request.client", settings, apps),
            mail=LazyProvider("handoff_worker.providers.smtp.client", settings, apps),
        )

    async def aclose(self) -> None:
        await self.push.aclose()
        await self.http_requests.aclose()
        await self.mail.aclose()
