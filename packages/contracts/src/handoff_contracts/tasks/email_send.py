"""`email.send`: one mail to one recipient. Who writes to many makes a batch: each has an outcome of its own."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from handoff_contracts.contract import Contract, Payload, Policy, Result
from handoff_contracts.files import FileRef
from handoff_contracts.queues import DEFAULT


def _plain(value: str) -> str:
    if re.search(r"=\?.*\?=", value):  # what writes a header would decode it, and what it hides would be in the header
        raise ValueError("it holds an encoded word: write the text itself")
    return value


# No pattern here lets a control or a line separator through, so no value can end its header line or its command.
ENDS = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
ATOM = rf"[^\s()<>@,:;\\\x22.\[\]{ENDS}]+"
LABEL = rf"[^\s{ENDS}\x20-\x2c\x2e\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7e]{{1,63}}"
ADDRESS = rf"{ATOM}(?:\.{ATOM})*@{LABEL}(?:\.{LABEL})*"
NAME = rf"[^<>@,;:\\\x22{ENDS}]{{1,100}}"

Address = Annotated[str, StringConstraints(max_length=254, pattern=rf"^{ADDRESS}$"), AfterValidator(_plain)]
Mailbox = Annotated[
    str, StringConstraints(max_length=360, pattern=rf"^(?:{ADDRESS}|{NAME} <{ADDRESS}>)$"), AfterValidator(_plain)
]
Line = Annotated[str, StringConstraints(max_length=900, pattern=rf"^[^{ENDS}]*$"), AfterValidator(_plain)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=900, pattern=r"^[\x21-\x7e]+(?: [\x21-\x7e]+)*$")]
MessageId = Annotated[str, StringConstraints(max_length=250, pattern=r"^<[A-Za-z0-9._+=$-]+@[A-Za-z0-9.-]+>$")]
# None that a mail service takes orders from (X-SES-..., X-SMTPAPI), none that says who wrote or who reads.
Header = Literal["Auto-Submitted", "In-Reply-To", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "References"]


class EmailSend(Payload):
    """A mail. It goes to `to` and to nobody else, whatever its header says."""

    to: Address
    header_to: list[Mailbox] = Field(
        default_factory=list, max_length=50, description="What its To says, if that is not `to`; nothing is sent there"
    )
    header_cc: list[Mailbox] = Field(
        default_factory=list, max_length=50, description="What its Cc says; nothing is sent there"
    )
    sender: Mailbox | None = Field(default=None, description="What its From says; if unset, the app's sender")
    reply_to: Mailbox | None = None
    subject: Line = ""
    text: str | None = Field(default=None, max_length=262_144, repr=False)
    html: str | None = Field(default=None, max_length=524_288, repr=False)
    attachments: list[FileRef] = Field(default_factory=list, max_length=10)
    headers: dict[Header, Words] = Field(default_factory=dict)
    message_id: MessageId | None = Field(default=None, description="If unset, made from the task's id")
    app: str = Field(default="default", pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="The mail server to send by")

    @model_validator(mode="after")
    def _says_something(self) -> "EmailSend":
        if self.text is None and self.html is None:
            raise ValueError("a mail has text, html or both")
        return self


class EmailReceipt(Result):
    """What the mail server said."""

    category: Literal["delivered"] = Field(description="How the mail server answered")
    message_id: str
    id: str = Field(default="", description="What the server said when it took the mail, often with its name for it")


EMAIL_SEND = Contract(
    name="email.send",
    version=1,
    payload=EmailSend,
    result=EmailReceipt,
    summary="Send one mail to one recipient.",
    queue=DEFAULT,
    # Greylisting and a server that is away ask for hours. A mail may wait for nine others that take a minute each.
    policy=Policy(max_attempts=12, backoff=30.0, backoff_limit=3600.0, pack=50, concurrency=10, time_limit=660.0),
)
