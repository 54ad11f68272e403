"""The worker's settings."""

import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Self

from pydantic import Field, HttpUrl, field_validator, model_validator

from handoff_common.settings import Shared
from handoff_ledger.redis_requirements import RedisRequirements

Network = IPv4Network | IPv6Network
FCM_URL = "https://fcm.googleapis.com"
LEAST_RATE, MOST_RATE = 0.0001, 1_000_000  # sends a second that a pace may be


class Settings(Shared):
    """What a worker reads from the environment. Times are seconds."""

    notification_log: Path = Path("notification.log")
    log_provider_delay: float = Field(default=0.05, ge=0, le=60)
    soft_shutdown: float = Field(default=25, gt=0, le=3600)
    worker_ready_file: Path | None = None
    apps_dir: Path | None = None
    blob_dir: Path | None = None
    pace: str = "fcm=10000"
    fcm_url: str = Field(default=FCM_URL, pattern=r"^https://[^/?#@\s]+$")
    egress_allow: str = ""
    gone_callback_url: HttpUrl | None = None

    @property
    def redis_requirements(self) -> RedisRequirements:
        """What a worker needs of Redis."""
        return RedisRequirements(service="worker", url=self.broker_url, allow_data_loss=self.development)

    @model_validator(mode="after")
    def _googles(self) -> Self:
        if self.fcm_url != FCM_URL and not self.development:
            raise ValueError("HANDOFF_FCM_URL leads tokens elsewhere than to Google: it is for tests. Unset it.")
        return self

    @field_validator("pace")
    @classmethod
    def _paces(cls, text: str) -> str:
        rates(text)
        return text

    @field_validator("egress_allow")
    @classmethod
    def _networks(cls, text: str) -> str:
        networks(text)
        return text

    @field_validator("gone_callback_url")
    @classmethod
    def _no_user(cls, url: HttpUrl | None) -> HttpUrl | None:
        if url and (url.username or url.password):
            raise ValueError("HANDOFF_GONE_CALLBACK_URL has no user and no password in it: the callback is signed")
        return url


def rates(text: str) -> Mapping[str, float]:
    """Sends a second by channel, from `provider=rate,provider:app=rate`.

    Raises:
        ValueError: an entry is malformed.
    """
    found: dict[str, float] = {}
    for entry in filter(None, map(str.strip, text.split(","))):
        match = re.fullmatch(r"([a-z]+(?::[a-z0-9-]+)?)=([0-9]{1,9}(?:\.[0-9]+)?)", entry)
        if not match or not LEAST_RATE <= float(match[2]) <= MOST_RATE:
            raise ValueError(
                f"HANDOFF_PACE is a list like fcm=10000,sns:shop=50: sends a second, from {LEAST_RATE} to {MOST_RATE}"
            )
        found[match[1]] = float(match[2])
    return found


def networks(text: str) -> Sequence[Network]:
    """The networks of a list like `10.1.0.0/16,fd00:1::/64`.

    Raises:
        ValueError: an entry is malformed.
    """
    try:
        return [ip_network(entry) for entry in filter(None, map(str.strip, text.split(",")))]
    except ValueError:
        raise ValueError("HANDOFF_EGRESS_ALLOW is a list of networks like 10.1.0.0/16,fd00:1::/64") from None
