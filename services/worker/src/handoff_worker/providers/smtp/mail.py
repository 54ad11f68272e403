"""Writes a mail as it goes over the wire: ASCII alone, except in the header of one that needs SMTPUTF8."""

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

ATTACHED_LIMIT = 10 * 1024 * 1024  # bytes of a mail's attachments together: most servers take 25 MB as base64


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail and its envelope. `content`: as it goes over the wire, with a second dot where a line begins with one;
    `international`: only a server with SMTPUTF8 can take it.
    """

    sender: str = field(repr=False)
    recipient: str = field(repr=False)
    content: bytes = field(repr=False)
    international: bool


def message_id(sender: str, identity: str) -> str:
    """The Message-ID of what has this identity: the same in every attempt. Raises `Fail` for a sender that is no good.

    A digest, because what a reader sees tells nothing of how many tasks there were, and when.
    """
    return f"<{hashlib.sha256(identity.encode()).hexdigest()[:32]}@{_mailbox(sender).domain}>"


def write(mail: EmailSend, default_sender: str, message_id: str, blobs: Path | None) -> Letter:
    """The mail; `blobs`: the folder of its attachments. Blocks: it reads files.

    Raises:
        Fail: an address or an attachment is no good.
        Retry: an attachment can't be read now.
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
        message.set_raw(name, words.replace(" ", "\r\n "))  # EmailMessage would encode a word that fills a line
    _fill(message, mail, blobs)
    named = [
        sender,
        recipient,
        *(address for name in ("To", "Cc", "Reply-To") for address in _addresses(message, name)),
    ]
    international = not all(address.addr_spec.isascii() for address in named)
    policy = SMTP.clone(utf8=international, refold_source="none")
    content = re.sub(rb"(?m)^\.", b"..", message.as_bytes(policy=policy))
    return Letter(sender.addr_spec, recipient.addr_spec, content, international)


def _mailbox(text: str) -> Address:
    """`a@b` or `Name <a@b>`; the domain as DNS has it."""
    name, _, address = text.removesuffix(">").rpartition("<")
    local, _, domain = address.rpartition("@")
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode()
        except idna.IDNAError:
            raise Fail("payload_rejected", "The domain of an address is no domain.") from None
    return Address(name.strip(), local, domain)


def _addresses(message: EmailMessage, name: str) -> tuple[Address, ...]:
    header = message[name]
    return header.addresses if header else ()


def _fill(message: EmailMessage, mail: EmailSend, blobs: Path | None) -> None:
    if mail.text is not None:
        message.set_content(mail.text, cte="quoted-printable")
    if mail.html is not None and mail.text is not None:
        message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    elif mail.html is not None:
        message.set_content(mail.html, subtype="html", cte="quoted-printable")
    left = ATTACHED_LIMIT
    for file in mail.attachments:
        content = read_file(file, blobs, left)
        left -= len(content)
        _attach(message, file, content)


def _attach(message: EmailMessage, file: FileRef, content: bytes) -> None:
    main, _, sub = file.media_type.partition("/")
    message.add_attachment(content, main, sub, filename=file.filename)
