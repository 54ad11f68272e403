"""`email.send` sends one mail to one recipient. For many recipients send a batch: each item has its own outcome."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from handoff_contracts.contract import Contract, Payload, Policy, Result
from handoff_contracts.credential_name import CredentialName
from handoff_contracts.files import FileRef
from handoff_contracts.queues import DEFAULT


def _refuse_encoded_words(value: str) -> str:
    if re.search(r"=\?.*\?=", value):  # the mail library decodes them, and could put a line break into the header
        raise ValueError("an encoded word is not allowed: write the text itself")
    return value


# Control characters and line separators. No pattern accepts one, so no value can end its header line or SMTP command.
CONTROLS = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
ATOM = rf"[^\s()<>@,:;\\\x22.\[\]{CONTROLS}]+"
LABEL = rf"[^\s{CONTROLS}\x20-\x2c\x2e\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7e]{{1,63}}"
ADDRESS = rf"{ATOM}(?:\.{ATOM})*@{LABEL}(?:\.{LABEL})*"
DISPLAY_NAME = rf"[^<>@,;:\\\x22{CONTROLS}]{{1,100}}"

Address = Annotated[
    str, StringConstraints(max_length=254, pattern=rf"^{ADDRESS}$"), AfterValidator(_refuse_encoded_words)
]
Mailbox = Annotated[
    str,
    StringConstraints(max_length=360, pattern=rf"^(?:{ADDRESS}|{DISPLAY_NAME} <{ADDRESS}>)$"),
    AfterValidator(_refuse_encoded_words),
]
Line = Annotated[
    str, StringConstraints(max_length=900, pattern=rf"^[^{CONTROLS}]*$"), AfterValidator(_refuse_encoded_words)
]
Words = Annotated[str, StringConstraints(min_length=1, max_length=900, pattern=r"^[\x21-\x7e]+(?: [\x21-\x7e]+)*$")]
MessageId = Annotated[str, StringConstraints(max_length=250, pattern=r"^<[A-Za-z0-9._+=$-]+@[A-Za-z0-9.-]+>$")]
# No header that controls a mail service (X-SES-..., X-SMTPAPI), and none that names a sender or a recipient.
Header = Literal["Auto-Submitted", "In-Reply-To", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "References"]


class EmailSend(Payload):
    """A mail. Only `to` receives it; the other addresses only appear in its header."""

    to: Address = Field(description="Address of the recipient")
    header_to: list[Mailbox] = Field(
        default_factory=list,
        max_length=50,
        description="Content of the To header, if it differs from `to`; these addresses receive nothing",
    )
    header_cc: list[Mailbox] = Field(
        default_factory=list, max_length=50, description="Content of the Cc header; these addresses receive nothing"
    )
    sender: Mailbox | None = Field(default=None, description="Content of the From header; if unset, the app's sender")
    reply_to: Mailbox | None = Field(default=None, description="Content of the Reply-To header")
    subject: Line = Field(default="", description="Subject")
    text: str | None = Field(default=None, max_length=262_144, repr=False, description="Plain-text body")
    html: str | None = Field(default=None, max_length=524_288, repr=False, description="HTML body")
    attachments: list[FileRef] = Field(default_factory=list, max_length=10, description="Attached files")
    headers: dict[Header, Words] = Field(default_factory=dict, description="Further headers")
    message_id: MessageId | None = Field(
        default=None, description="Content of the Message-ID header; if unset, derived from the task's id"
    )
    app: CredentialName = Field(default="default", description="Name of the credential, which names the mail server")

    @model_validator(mode="after")
    def _check_body(self) -> "EmailSend":
        if self.text is None and self.html is None:
            raise ValueError("a mail needs text, html or both")
        return self


class EmailReceipt(Result):
    """The mail server's response."""

    category: Literal["delivered"] = Field(description="Response category of the mail server")
    message_id: str = Field(description="Content of the Message-ID header")
    id: str = Field(default="", description="Text of the server's response to the mail, often with its queue id")


EMAIL_SEND = Contract(
    name="email.send",
    version=1,
    payload=EmailSend,
    result=EmailReceipt,
    summary="Send one mail to one recipient.",
    queue=DEFAULT,
    # Greylisting and outages last for hours. The time limit covers nine earlier mails of a minute each.
    policy=Policy(max_attempts=12, backoff=30.0, backoff_limit=3600.0, pack=50, concurrency=10, time_limit=660.0),
)
