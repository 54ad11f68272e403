"""Mail servers for tests, each on a thread of its own: aiosmtpd, and a simulator for what it does not do."""

import asyncio
import ssl
import threading
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

TLS = Callable[[], ssl.SSLContext]


@dataclass(frozen=True)
class Taken:
    """A mail as a server took it."""

    sender: str
    recipients: list[str]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        parsed = BytesParser(policy=default).parsebytes(self.content)
        assert isinstance(parsed, EmailMessage)
        return parsed


class Server(ABC):
    """Listens on a free port of 127.0.0.1 until it is stopped. `connections`: how many it has had."""

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.connections = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def start(self) -> None:
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def received(self) -> list[str]:
        """Whom mails were taken for."""
        return sorted(recipient for mail in self.taken for recipient in mail.recipients)

    @abstractmethod
    async def _listen(self) -> int:
        """Begins to listen. Gives the port."""

    async def _end(self) -> None:
        others = asyncio.all_tasks(self._loop) - {asyncio.current_task(self._loop)}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


class MailSink(Server):
    """aiosmtpd. What `refusals` has for an address or for MAIL, DATA is replied once each, then all is taken."""

    def __init__(self, tls: ssl.SSLContext | None = None, *, implicit: bool = False, **options: Any) -> None:
        super().__init__()
        self.refusals: dict[str, list[str]] = defaultdict(list)
        self.logins: list[LoginPassword] = []
        self.password = ""
        self.delay = 0.0  # seconds between taking a mail and saying so
        self._tls = tls
        self._implicit = implicit
        self._options = options
        self._protocols: list[SMTP] = []
        self._server: asyncio.Server | None = None

    async def _listen(self) -> int:
        server = await self._loop.create_server(self._accept, "127.0.0.1", 0, ssl=self._tls if self._implicit else None)
        self._server = server
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _end(self) -> None:
        if self._server:
            self._server.close()
        self._hang_up()
        await super()._end()
        await self._told()

    def drop(self) -> None:
        """Ends all connections: they are no more when this returns."""
        asyncio.run_coroutine_threadsafe(self._dropped(), self._loop).result(10)

    async def _dropped(self) -> None:
        self._hang_up()
        await self._told()

    async def _told(self) -> None:
        for _ in range(3):  # until the transports have told their protocols, and closed their sockets
            await asyncio.sleep(0)

    def _hang_up(self) -> None:
        for protocol in self._protocols:
            if isinstance(protocol.transport, asyncio.WriteTransport):
                protocol.transport.abort()
        self._protocols.clear()

    def _accept(self) -> SMTP:
        self.connections += 1
        protocol = SMTP(
            self,
            hostname="sink.example",
            loop=self._loop,
            tls_context=None if self._implicit else self._tls,
            require_starttls=not self._implicit,
            auth_required=bool(self.password) and not self._implicit,
            auth_require_tls=not self._implicit,  # it takes TLS from the first byte for none
            authenticator=self._authenticate,
            **self._options,
        )
        self._protocols.append(protocol)
        return protocol

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        self.logins.append(data)
        return AuthResult(success=data.password == self.password.encode(), handled=False)

    def _refusal(self, key: str) -> str:
        return self.refusals[key].pop(0) if self.refusals[key] else ""

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refusal := self._refusal("MAIL"):
            return refusal
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refusal := self._refusal(address):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        if refusal := self._refusal("DATA"):
            return refusal
        content = envelope.original_content
        assert content is not None
        self.taken.append(Taken(envelope.mail_from or "", list(envelope.rcpt_tos), content))
        queued = f"250 2.0.0 Ok: queued as {len(self.taken)}"
        await asyncio.sleep(self.delay)
        return queued


class SmtpSimulator(Server):
    """A simulator: replies what it is told to, once each, and then as a server does that takes every mail.

    `replies[command]` for GREETING, EHLO, MAIL, RCPT, DATA, CONTENT, RSET: a reply, or `drop`, or `hang`. What is
    dropped at CONTENT was taken.
    """

    def __init__(self) -> None:
        super().__init__()
        self.replies: dict[str, list[str]] = defaultdict(list)
        self.commands: list[str] = []
        self._server: asyncio.Server | None = None

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _end(self) -> None:
        if self._server:
            self._server.close()
        await super()._end()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender = ""
        recipients: list[str] = []
        await self._reply(writer, "GREETING", "220 simulator.example ESMTP")
        while True:
            line = (await reader.readuntil(b"\r\n")).decode().strip()
            command = line.split(" ")[0].upper()
            self.commands.append(line)
            if command == "MAIL":
                sender, recipients = line, []
            usual = {
                "EHLO": "250-simulator.example\r\n250-SIZE 1000000\r\n250 ENHANCEDSTATUSCODES",
                "DATA": "354 go on",
                "QUIT": "221 2.0.0 Bye",
            }
            said = await self._reply(writer, command, usual.get(command, "250 2.0.0 Ok"))
            if command == "RCPT" and said.startswith("2"):
                recipients.append(line.removeprefix("RCPT TO:<").removesuffix(">"))
            if said.startswith("354"):
                content = await reader.readuntil(b"\r\n.\r\n")
                if not self.replies["CONTENT"] or self.replies["CONTENT"][0] in ("drop", "hang"):
                    self.taken.append(Taken(sender, recipients, content.removesuffix(b".\r\n")))
                await self._reply(writer, "CONTENT", "250 2.0.0 Ok: queued")

    async def _reply(self, writer: asyncio.StreamWriter, command: str, usual: str) -> str:
        reply = self.replies[command].pop(0) if self.replies[command] else usual
        if reply == "drop":
            raise ConnectionResetError
        if reply == "hang":
            await asyncio.sleep(3600)
        writer.write(f"{reply}\r\n".encode())
        await writer.drain()
        if reply.startswith("421"):
            raise ConnectionResetError
        return reply
