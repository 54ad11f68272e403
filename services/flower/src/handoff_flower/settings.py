"""Flower's settings. Flower also reads its own `FLOWER_...` variables, which take precedence."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from handoff_common.settings import SharedSettings, is_placeholder


class Settings(SharedSettings):
    """Where Flower listens, who may log in, and where it keeps its state."""

    flower_host: str = Field(default="127.0.0.1", description="The address that Flower listens on.")
    flower_port: int = Field(default=5555, ge=1, le=65_535, description="The port that Flower listens on.")
    flower_db: Path | None = Field(
        default=None, description="The file that keeps Flower's state across restarts; without it the state is lost."
    )
    basic_auth: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="FLOWER_BASIC_AUTH",
        description="The logins as comma-separated `user:password` pairs.",
    )
    cookie_secret: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="FLOWER_COOKIE_SECRET",
        description="The secret that signs the login cookie.",
    )
    auth: str = Field(
        default="",
        validation_alias="FLOWER_AUTH",
        description="The e-mail addresses, as a regular expression, that may log in through FLOWER_AUTH_PROVIDER.",
    )

    @model_validator(mode="after")
    def _check_login(self) -> Self:
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
