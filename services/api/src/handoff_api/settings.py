"""The API's settings."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from handoff_api.auth import Keys, parse_entries
from handoff_common.settings import SharedSettings, is_placeholder
from handoff_ledger.redis_requirements import RedisRequirements

TASK_LIMIT_BYTES = 1 << 20  # of the body of a task
BATCH_LIMIT_BYTES = 32 << 20  # of the body of a batch


class PepperSettings(SharedSettings):
    """The settings that creating an API key needs."""

    api_key_pepper: SecretStr = Field(
        default=SecretStr(""),
        description="The secret with which the API computes the HMAC of a key. Another pepper makes all keys invalid.",
    )

    @model_validator(mode="after")
    def _check_pepper(self) -> Self:
        if not self.development and is_placeholder(self.api_key_pepper.get_secret_value()):
            raise ValueError(
                "HANDOFF_API_KEY_PEPPER is empty or a placeholder: set it to a random text,"
                """ for instance from `python -c "import secrets; print(secrets.token_urlsafe(32))"`"""
            )
        return self


class Settings(PepperSettings):
    """Where the API listens, and which keys it accepts."""

    api_host: str = Field(default="127.0.0.1", description="The address that the API listens on.")
    api_port: int = Field(default=8000, ge=1, le=65_535, description="The port that the API listens on.")
    web_concurrency: int = Field(
        default=1, ge=1, le=1000, validation_alias="WEB_CONCURRENCY", description="The number of API processes."
    )
    api_keep_alive: int = Field(
        default=65, ge=1, le=86_400, description="Seconds until the API closes an idle connection."
    )
    api_auth: bool = Field(default=True, description="Whether calls need a key. Only development may switch this off.")
    api_keys: str = Field(
        default="",
        repr=False,
        description="The valid keys as comma-separated `name=digest` entries, which `make key` prints.",
    )
    api_keys_file: Path | None = Field(
        default=None, description="A file with more entries, one per line; `#` starts a comment."
    )
    durable_accept: bool = Field(
        default=False,
        description="Whether the API answers 202 only after Redis has synced its append-only file to disk.",
    )

    @model_validator(mode="after")
    def _check_authentication(self) -> Self:
        if self.development:
            self.keys()
        elif not self.api_auth:
            raise ValueError("HANDOFF_API_AUTH is off, which only HANDOFF_ENV=development may have: set it to on")
        elif not self._digests():
            raise ValueError(
                "There is no API key: put the entry that `python -m handoff_api.keys NAME` prints into"
                " HANDOFF_API_KEYS, or into the file that HANDOFF_API_KEYS_FILE names"
            )
        return self

    @property
    def redis_requirements(self) -> RedisRequirements:
        """The requirements that the API has of Redis."""
        return RedisRequirements(
            service="api", url=self.broker_url, allow_data_loss=self.development, durable=self.durable_accept
        )

    def keys(self) -> Keys | None:
        """Return the valid keys, None when authentication is off."""
        if not self.api_auth:
            return None
        return Keys(self.api_key_pepper.get_secret_value(), self._digests())

    def _digests(self) -> dict[str, str]:
        try:
            lines = self.api_keys_file.read_text().splitlines() if self.api_keys_file else []
        except OSError as error:
            raise ValueError(f"HANDOFF_API_KEYS_FILE can't be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ValueError("HANDOFF_API_KEYS_FILE is not UTF-8 text") from None
        return parse_entries([*self.api_keys.split(","), *(line.partition("#")[0] for line in lines)])
