"""The worker's settings."""

import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Self

from pydantic import Field, HttpUrl, field_validator, model_validator

from handoff_common.settings import SharedSettings
from handoff_ledger.redis_requirements import RedisRequirements

Network = IPv4Network | IPv6Network
FCM_URL = "https://fcm.googleapis.com"
MIN_RATE, MAX_RATE = 0.0001, 1_000_000  # sends per second


class Settings(SharedSettings):
    """The settings that a worker reads from the environment."""

    notification_log: Path = Field(
        default=Path("notification.log"), description="File to which the `log` provider appends its notifications."
    )
    log_provider_delay: float = Field(
        default=0.05, ge=0, le=60, description="Seconds that the `log` provider takes for one notification."
    )
    soft_shutdown: float = Field(
        default=25,
        gt=0,
        le=3600,
        description="Seconds that running tasks may take to end after SIGTERM; then the worker gives them back.",
    )
    worker_ready_file: Path | None = Field(
        default=None, description="File that exists while the worker is ready. The probes read it."
    )
    apps_dir: Path | None = Field(
        default=None, description="Folder of the providers' credentials, one file `<provider>.<app>.json` for each app."
    )
    blob_dir: Path | None = Field(
        default=None,
        description="Folder of the files that payloads name by path, and of the files that results name.",
    )
    pace: str = Field(
        default="fcm=10000",
        description="Most sends per second of all workers together: a list of `provider=rate` or `provider:app=rate`.",
    )
    fcm_url: str = Field(
        default=FCM_URL, pattern=r"^https://[^/?#@\s]+$", description="Base URL of FCM. Only tests change it."
    )
    egress_allow: str = Field(
        default="",
        description="Networks outside the public internet that clients' URLs may reach, such as `10.1.0.0/16`.",
    )
    gone_callback_url: HttpUrl | None = Field(
        default=None, description="URL that receives a signed webhook when recipients are gone."
    )

    @property
    def redis_requirements(self) -> RedisRequirements:
        """The check of Redis that a worker makes at its start and after an outage."""
        return RedisRequirements(service="worker", url=self.broker_url, allow_data_loss=self.development)

    @model_validator(mode="after")
    def _check_fcm_url(self) -> Self:
        if self.fcm_url != FCM_URL and not self.development:
            raise ValueError(
                "HANDOFF_FCM_URL sends device tokens to another host than Google's, and is for tests alone: unset it."
            )
        return self

    @field_validator("pace")
    @classmethod
    def _check_pace(cls, text: str) -> str:
        parse_rates(text)
        return text

    @field_validator("egress_allow")
    @classmethod
    def _check_egress_allow(cls, text: str) -> str:
        parse_networks(text)
        return text

    @field_validator("gone_callback_url")
    @classmethod
    def _check_gone_callback_url(cls, url: HttpUrl | None) -> HttpUrl | None:
        if url and (url.username or url.password):
            raise ValueError("HANDOFF_GONE_CALLBACK_URL must not contain a user or a password: the callback is signed")
        return url


def parse_rates(text: str) -> Mapping[str, float]:
    """Returns the sends per second by provider or `provider:app`, from a list like `fcm=10000,sns:shop=50`.

    Raises:
        ValueError: an entry is malformed.
    """
    rates: dict[str, float] = {}
    for entry in filter(None, map(str.strip, text.split(","))):
        match = re.fullmatch(r"([a-z]+(?::[a-z0-9-]+)?)=([0-9]{1,9}(?:\.[0-9]+)?)", entry)
        if not match or not MIN_RATE <= float(match[2]) <= MAX_RATE:
            raise ValueError(
                f"HANDOFF_PACE is a list like fcm=10000,sns:shop=50: sends per second, from {MIN_RATE} to {MAX_RATE}"
            )
        rates[match[1]] = float(match[2])
    return rates


def parse_networks(text: str) -> Sequence[Network]:
    """Returns the networks of a list like `10.1.0.0/16,fd00:1::/64`.

    Raises:
        ValueError: an entry is malformed.
    """
    try:
        return [ip_network(entry) for entry in filter(None, map(str.strip, text.split(",")))]
    except ValueError:
        raise ValueError("HANDOFF_EGRESS_ALLOW is a list of networks like 10.1.0.0/16,fd00:1::/64") from None
