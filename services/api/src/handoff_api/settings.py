"""The API's settings."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from handoff_api.auth import Keys, parse
from handoff_common.settings import Shared, is_placeholder
from handoff_ledger.redis_requirements import RedisRequirements

TASK_LIMIT = 1 << 20  # bytes of a task's body
BATCH_LIMIT = 32 << 20  # bytes of a batch's body


class Peppered(Shared):
    """What is needed to make a key."""

    api_key_pepper: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def _secret_pepper(self) -> Self:
        if not self.development and is_placeholder(self.api_key_pepper.get_secret_value()):
            raise ValueError(
                "HANDOFF_API_KEY_PEPPER is empty or a placeholder: set it to a random text,"
                """ for instance from `python -c "import secrets; print(secrets.token_urlsafe(32))"`"""
            )
        return self


class Settings(Peppered):
    """Where the API listens and whom it lets in."""

    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8000, ge=1, le=65_535)
    web_concurrency: int = Field(default=1, ge=1, le=1000, validation_alias="WEB_CONCURRENCY")
    api_keep_alive: int = Field(default=65, ge=1, le=86_400, description="Seconds that an idle connection stays open")
    api_auth: bool = True
    api_keys: str = Field(default="", repr=False)
    api_keys_file: Path | None = None
    durable_accept: bool = False

    @model_validator(mode="after")
    def _guarded(self) -> Self:
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
        """What the API needs of Redis."""
        return RedisRequirements(
            service="api", url=self.broker_url, allow_data_loss=self.development, durable=self.durable_accept
        )

    def keys(self) -> Keys | None:
        """The keys that are let in, None when everybody is."""
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
        return parse([*self.api_keys.split(","), *(line.partition("#")[0] for line in lines)])
