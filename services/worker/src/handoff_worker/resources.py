"""What the handlers of one pool process share: made once, closed when the process ends."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from handoff_ledger import SyncLedger
from handoff_worker.delivery.apps import Apps
from handoff_worker.delivery.lazy_provider import Lazy
from handoff_worker.delivery.rate_limiter import Pace
from handoff_worker.providers.push import PushProviders
from handoff_worker.settings import Settings

if TYPE_CHECKING:
    from handoff_worker.providers.http_request.client import Outbound
    from handoff_worker.providers.smtp.client import SmtpServers


@dataclass(frozen=True, slots=True)
class Resources:
    """`apps`: credentials; `pace`: what the whole fleet may send; `push`: providers of push notifications;
    `outbound`: requests to any server of the internet; `mail`: the servers that mail goes by.
    """

    settings: Settings
    apps: Apps
    pace: Pace
    push: PushProviders
    outbound: "Lazy[Outbound]"
    mail: "Lazy[SmtpServers]"

    @classmethod
    def open(cls, settings: Settings, ledger: SyncLedger) -> "Resources":
        apps = Apps(settings)
        return cls(
            settings=settings,
            apps=apps,
            pace=Pace(ledger),
            push=PushProviders(settings, apps),
            outbound=Lazy("handoff_worker.providers.http_request.client", settings, apps),
            mail=Lazy("handoff_worker.providers.smtp.client", settings, apps),
        )

    async def aclose(self) -> None:
        await self.push.aclose()
        await self.outbound.aclose()
        await self.mail.aclose()
