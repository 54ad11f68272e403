"""The settings that API, worker and Flower share, read from the environment, and from `.env` in development."""

import sys
from pathlib import Path
from typing import Literal, Self, TypeVar

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from handoff_common.broker import Broker

PLACEHOLDER = "change-me"
SECRETS = Path("/run/secrets")  # where Compose and Kubernetes put a file for each secret, named like the setting


class Shared(BaseSettings):
    """What every service knows.

    Raises:
        ValueError: a value is wrong; the message says what to set.
    """

    model_config = SettingsConfigDict(
        env_prefix="HANDOFF_",
        env_file=".env",
        secrets_dir=SECRETS if SECRETS.is_dir() else None,
        env_ignore_empty=True,
        extra="ignore",
        validate_by_name=True,
        frozen=True,
        hide_input_in_errors=True,
    )

    env: Literal["development", "production"] = "production"
    broker_url: str = Field(default="redis://127.0.0.1:6379/0", validation_alias="CELERY_BROKER_URL")
    result_backend: str = Field(default="", validation_alias="CELERY_RESULT_BACKEND")
    retention_days: float = Field(default=7, ge=0.01, le=365)
    queue_limit: int = Field(default=1_000_000, ge=1, le=1_000_000_000)
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def development(self) -> bool:
        return self.env == "development"

    @field_validator("broker_url")
    @classmethod
    def _redis(cls, url: str) -> str:
        try:
            Broker.parse(url)
        except ValueError as fault:
            raise ValueError(f"CELERY_BROKER_URL {fault}") from None
        return url

    @model_validator(mode="after")
    def _one_redis(self) -> Self:
        if self.result_backend and not _same_redis(self.result_backend, self.broker_url):
            raise ValueError(
                "CELERY_RESULT_BACKEND names another Redis than CELERY_BROKER_URL: unset it. A task's end is one atomic"
                " step, so its result is kept where its record is."
            )
        return self


def _same_redis(backend: str, broker: str) -> bool:
    try:
        return Broker.parse(backend).same_place(Broker.parse(broker))
    except ValueError:
        return False


def is_placeholder(secret: str) -> bool:
    """Whether a secret is still the one that `.env.example` shows, or none at all."""
    return not secret or secret.startswith(PLACEHOLDER)


S = TypeVar("S", bound=Shared)


def load(settings: type[S]) -> S:
    """The settings from the environment. What is wrong is said on standard error, and the process exits with 2."""
    try:
        return settings()
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False, include_input=False):
            name = ".".join(str(part) for part in fault["loc"])
            sys.stderr.write(f"handoff: {name + ': ' if name else ''}{fault['msg'].removeprefix('Value error, ')}\n")
        raise SystemExit(2) from None
