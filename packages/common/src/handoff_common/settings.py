"""The settings that API, worker and Flower share, from the environment or a file named `.env`."""

import sys
from pathlib import Path
from typing import Literal, Self, TypeVar

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from handoff_common.broker import Broker

PLACEHOLDER = "change-me"
SECRETS = Path("/run/secrets")  # Compose and Kubernetes mount one file per secret here, named after the setting


class SharedSettings(BaseSettings):
    """Base of every service's settings.

    Raises:
        ValidationError: a value is invalid. The message says what to set, and never contains the value.
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

    env: Literal["development", "production"] = Field(
        default="production", description="Production refuses placeholder secrets and requires API keys and a login"
    )
    broker_url: str = Field(
        default="redis://127.0.0.1:6379/0",
        validation_alias="CELERY_BROKER_URL",
        description="The Redis that holds queues, tasks and results; handoff_common.broker lists the forms of the URL",
    )
    result_backend: str = Field(
        default="",
        validation_alias="CELERY_RESULT_BACKEND",
        description="Empty, or the same Redis as the broker: results live in the ledger",
    )
    retention_days: float = Field(
        default=7, ge=0.01, le=365, description="Days that the record of a task is kept after its end"
    )
    queue_limit: int = Field(
        default=1_000_000, ge=1, le=1_000_000_000, description="The most tasks that can wait in one queue"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The lowest level that is logged"
    )

    @property
    def development(self) -> bool:
        """Whether this is a development environment."""
        return self.env == "development"

    @field_validator("broker_url")
    @classmethod
    def _check_broker_url(cls, url: str) -> str:
        try:
            Broker.parse(url)
        except ValueError as error:
            raise ValueError(f"CELERY_BROKER_URL {error}") from None
        return url

    @model_validator(mode="after")
    def _check_result_backend(self) -> Self:
        if self.result_backend and not _is_same_redis(self.result_backend, self.broker_url):
            raise ValueError(
                "CELERY_RESULT_BACKEND names another Redis than CELERY_BROKER_URL: unset it. One atomic step stores a"
                " task's result with its record, so both need the same Redis."
            )
        return self


def _is_same_redis(backend: str, broker: str) -> bool:
    try:
        return Broker.parse(backend).same_database(Broker.parse(broker))
    except ValueError:
        return False


def is_placeholder(secret: str) -> bool:
    """Returns whether a secret is empty, or still the value from `.env.example`."""
    return not secret or secret.startswith(PLACEHOLDER)


S = TypeVar("S", bound=SharedSettings)


def load(settings: type[S]) -> S:
    """Returns the settings from the environment.

    Prints every invalid setting to standard error and exits with code 2.
    """
    try:
        return settings()
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_context=False, include_input=False):
            name = ".".join(str(part) for part in problem["loc"])
            sys.stderr.write(f"handoff: {name + ': ' if name else ''}{problem['msg'].removeprefix('Value error, ')}\n")
        raise SystemExit(2) from None
