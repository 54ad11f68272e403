"""The credential of a mail server: the file `smtp.<app>.json`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator

from handoff_contracts.tasks.email_send import Mailbox


class SmtpApp(BaseModel):
    """A mail server and its login. The server's certificate is always verified."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    host: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,253}$")] = Field(
        description="Name or address of the server"
    )
    port: int = Field(ge=1, le=65_535, description="Port of the server: usually 587, or 465 for `tls`")
    tls: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="STARTTLS before the login, TLS from the first byte, or no TLS"
    )
    username: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = Field(
        default=None, description="User of the login, if the server needs one"
    )
    password: SecretStr | None = Field(default=None, description="Password of the login")
    sender: Mailbox = Field(description="The From of a mail that has none")
    ca_file: Path | None = Field(default=None, description="Certificate authorities to trust instead of the system's")
    timeout: float = Field(default=30.0, ge=1, le=60, description="Seconds for one mail")
    connections: int = Field(default=4, ge=1, le=10, description="Connections of one pool process at most")

    @model_validator(mode="after")
    def _check_login(self) -> "SmtpApp":
        if (self.username is None) != (self.password is None):
            raise ValueError("a login needs both a username and a password")
        if self.username is not None and self.tls == "none":
            raise ValueError("a login needs TLS: the password would travel in the clear")
        return self
