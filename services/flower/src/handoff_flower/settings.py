"""Flower's settings, beside Flower's own `FLOWER_...` variables, which win."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from handoff_common.settings import SharedSettings, is_placeholder


class Settings(SharedSettings):
    """Where Flower listens, whom it lets in, where it keeps its state."""

    flower_host: str = "127.0.0.1"
    flower_port: int = Field(default=5555, ge=1, le=65_535)
    flower_db: Path | None = None
    basic_auth: SecretStr = Field(default=SecretStr(""), validation_alias="FLOWER_BASIC_AUTH")
    cookie_secret: SecretStr = Field(default=SecretStr(""), validation_alias="FLOWER_COOKIE_SECRET")
    auth: str = Field(default="", validation_alias="FLOWER_AUTH")

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        if self.development:
            return self
        passwords = [login.partition(":")[2] for login in self.basic_auth.get_secret_value().split(",")]
        if not self.auth and any(is_placeholder(password) for password in passwords):
            raise ValueError(
                "FLOWER_BASIC_AUTH has no password, or a placeholder: set it to user:password,"
                " or FLOWER_AUTH and FLOWER_AUTH_PROVIDER to a login elsewhere"
            )
        if is_placeholder(self.cookie_secret.get_secret_value()):
            raise ValueError("FLOWER_COOKIE_SECRET is empty or a placeholder: set it to a random text")
        return self
