"""The app of a mail server: `smtp.<name>.json`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator

from handoff_contracts.tasks.email_send import Mailbox


class SmtpApp(BaseModel):
    """A mail server and its login.

    `tls`: from the first byte (`tls`, port 465), asked for before the login (`starttls`, 587), or none; the server's
    certificate is always checked, against `ca_file` alone where that is set. `timeout`: seconds for one mail;
    `connections`: most of one pool process.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    host: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,253}$")]
    port: int = Field(ge=1, le=65_535)
    tls: Literal["starttls", "tls", "none"] = "starttls"
    username: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None
    password: SecretStr | None = None
    sender: Mailbox
    ca_file: Path | None = None
    timeout: float = Field(default=30.0, ge=1, le=60)
    connections: int = Field(default=4, ge=1, le=10)

    @model_validator(mode="after")
    def _login(self) -> "SmtpApp":
        if (self.username is None) != (self.password is None):
            raise ValueError("a login is a username and a password")
        if self.username is not None and self.tls == "none":
            raise ValueError("no password is sent in the clear")
        return self
