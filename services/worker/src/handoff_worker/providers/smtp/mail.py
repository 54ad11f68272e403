"""Renders a mail for SMTP. It is ASCII only, except for the header of a mail that needs SMTPUTF8."""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import idna

from handoff_contracts.files import FileRef
from handoff_contracts.tasks.email_send import EmailSend
from handoff_worker.errors import Fail
from handoff_worker.files import read_file

ATTACHMENTS_LIMIT = 10 * 1024 * 1024  # bytes of all attachments; most servers accept 25 MB as base64


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A mail and its envelope.

    `content`: the bytes for the wire, with dots doubled at the start of lines. `international`: needs SMTPUTF8.
    """

    sender: str = field(repr=False)
    recipient: str = field(repr=False)
    content: bytes = field(repr=False)
    international: bool


def message_id(sender: str, identity: str) -> str:
    """The Message-ID of a task or item: the same in every attempt. Raises `Fail` for an invalid sender.

    It is a digest, so readers of the mail can't see how many tasks there were, and when.
    """
    return f"<{hashlib.sha256(identity.encode()).hexdigest()[:32]}@{_mailbox(sender).domain}>"


def render_mail(mail: EmailSend, default_sender: str, message_id: str, blobs: Path | None) -> RenderedMail:
    """Renders a mail. `blobs` is the folder of its attachments, which it reads: it blocks.

    Raises:
        Fail: an address or an attachment is invalid.
        Retry: an attachment can't be read at the moment.
    """
    sender = _mailbox(mail.sender or default_sender)
    recipient = _mailbox(mail.to)
    message = EmailMessage()
    message["Date"] = datetime.now(UTC)
    message.set_raw("Message-ID", message_id)
    message["From"] = sender
    message["To"] = [_mailbox(mailbox) for mailbox in mail.header_to] or [recipient]
    if mail.header_cc:
        message["Cc"] = [_mailbox(mailbox) for mailbox in mail.header_cc]
    if mail.reply_to:
        message["Reply-To"] = _mailbox(mail.reply_to)
    message["Subject"] = mail.subject
    for name, words in mail.headers.items():
        message.set_raw(name, words.replace(" ", "\r\n "))  # EmailMessage would encode a long word
    _add_content(message, mail, blobs)
    addresses = [
        sender,
        recipient,
        *(address for name in ("To", "Cc", "Reply-To") for address in _addresses(message, name)),
    ]
    international = not all(address.addr_spec.isascii() for address in addresses)
    policy = SMTP.clone(utf8=international, refold_source="none")
    content = re.sub(rb"(?m)^\.", b"..", message.as_bytes(policy=policy))
    return RenderedMail(sender.addr_spec, recipient.addr_spec, content, international)


def _mailbox(text: str) -> Address:
    """Parses `a@b` or `Name <a@b>`, and encodes an international domain for DNS."""
    name, _, address = text.removesuffix(">").rpartition("<")
    local, _, domain = address.rpartition("@")
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode()
        except idna.IDNAError:
            raise Fail("payload_rejected", "The domain of an address is not valid.") from None
    return Address(name.strip(), local, domain)


def _addresses(message: EmailMessage, name: str) -> tuple[Address, ...]:
    header = message[name]
    return header.addresses if header else ()


def _add_content(message: EmailMessage, mail: EmailSend, blobs: Path | None) -> None:
    if mail.text is not None:
        message.set_content(mail.text, cte="quoted-printable")
    if mail.html is not None and mail.text is not None:
        message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    elif mail.html is not None:
        message.set_content(mail.html, subtype="html", cte="quoted-printable")
    left = ATTACHMENTS_LIMIT
    for file in mail.attachments:
        content = read_file(file, blobs, left)
        left -= len(content)
        _attach(message, file, content)


def _attach(message: EmailMessage, file: FileRef, content: bytes) -> None:
    main, _, sub = file.media_type.partition("/")
    message.add_attachment(content, main, sub, filename=file.filename)
