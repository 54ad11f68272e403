"""The clients and credentials that all handlers of one pool process share."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from handoff_ledger import SyncLedger
from handoff_worker.delivery.apps import Apps
from handoff_worker.delivery.lazy import Lazy
from handoff_worker.delivery.rate_limiter import Pace
from handoff_worker.providers.push import PushProviders
from handoff_worker.settings import Settings

if TYPE_CHECKING:
    from handoff_worker.providers.outbound.client import Outbound
    from handoff_worker.providers.smtp.client import SmtpServers


@dataclass(frozen=True, slots=True)
class Resources:
    """Opened once in each pool process, and closed when the process ends.

    `apps`: the providers' credentials. `pace`: the rate limiter that all workers share. `push`: the providers of push
    notifications. `outbound`: the HTTP client for any server on the internet. `mail`: the SMTP servers.
    """

    settings: Settings
    apps: Apps
    pace: Pace
    push: PushProviders
    outbound: "Lazy[Outbound]"
    mail: "Lazy[SmtpServers]"

    @classmethod
    def open(cls, settings: Settings, ledger: SyncLedger) -> "Resources":
        """Creates the resources. A client connects at its first use."""
        apps = Apps(settings)
        return cls(
            settings=settings,
            apps=apps,
            pace=Pace(ledger),
            push=PushProviders(settings, apps),
            outbound=Lazy("handoff_worker.providers.outbound.client", settings, apps),
            mail=Lazy("handoff_worker.providers.smtp.client", settings, apps),
        )

    async def aclose(self) -> None:
        """Closes every client that a handler used."""
        await self.push.aclose()
        await self.outbound.aclose()
        await self.mail.aclose()
