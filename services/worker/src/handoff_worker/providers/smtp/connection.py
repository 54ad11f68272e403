"""One connection to a mail server. It sends one mail at a time and records the stage that the mail reached."""

import platform
import re
import ssl
import time
from contextlib import suppress

from aiosmtplib import SMTP, SMTPException, SMTPResponse, SMTPResponseException, SMTPServerDisconnected

from handoff_worker.delivery.responses import Category, ProviderResponse, delivered
from handoff_worker.providers.smtp.app import SmtpApp
from handoff_worker.providers.smtp.mail import RenderedMail
from handoff_worker.providers.smtp.responses import Stage, categorize_silence, categorize_smtp_reply

MAX_MAILS = 100  # some servers close a connection after so many
MAX_IDLE_SECONDS = 30.0  # some servers close a connection that is idle for a minute


class Connection:
    """A connection that its first mail opens. `clean`: every reply came, so another mail may follow."""

    def __init__(self, app: SmtpApp, context: ssl.SSLContext | None) -> None:
        self._app = app
        self._smtp = SMTP(
            hostname=app.host,
            port=app.port,
            timeout=None,  # the caller limits the time of the whole mail
            use_tls=app.tls == "tls",
            start_tls=False,  # _open() does it, after a check that the server offers STARTTLS
            tls_context=context,
            local_hostname=name if re.fullmatch(r"[A-Za-z0-9.-]+", name := platform.node()) else "localhost",
        )
        self._stage = Stage.CONNECT
        self._mails = 0
        self._used_at = time.monotonic()
        self.clean = False

    async def send(self, mail: RenderedMail) -> ProviderResponse:
        """Sends a mail. Every reply, and every error on the way, becomes a response."""
        self.clean = False
        try:
            if not self._smtp.is_connected:
                await self._open()
            response = await self._transact(mail)
        except SMTPResponseException as error:
            self.clean = error.code > 0
            response = categorize_smtp_reply(self._stage, error.code, error.message)
        except MissingCapability as error:
            self.clean = error.clean
            response = error.response
        except (SMTPException, OSError) as error:
            response = self._categorize_broken(error)
        else:
            self.clean = True
        self._used_at = time.monotonic()
        return response

    async def ready(self) -> bool:
        """Whether the server accepts another mail on this connection."""
        if (
            not self._smtp.is_connected
            or self._mails >= MAX_MAILS
            or time.monotonic() - self._used_at > MAX_IDLE_SECONDS
        ):
            return False
        self.clean = False
        try:
            await self._command(Stage.MAIL, b"RSET")
        except (SMTPException, OSError):
            return False
        self.clean = True
        return True

    async def quit(self) -> None:
        """Sends QUIT and closes the connection."""
        with suppress(SMTPException, OSError):
            await self._smtp.quit()
        self.close()

    def close(self) -> None:
        self._smtp.close()

    async def _open(self) -> None:
        self._stage = Stage.CONNECT
        await self._smtp.connect()
        await self._smtp.ehlo()
        if self._app.tls == "starttls":
            if not self._smtp.supports_extension("starttls"):  # the mail never travels in the clear
                raise MissingCapability(Category.CREDENTIAL_REJECTED, "starttls_missing")
            await self._smtp.starttls()
            await self._smtp.ehlo()
        if self._app.username and self._app.password:
            self._stage = Stage.AUTH
            await self._login(self._app.username, self._app.password.get_secret_value())

    async def _login(self, username: str, password: str) -> None:
        # One try: the library's login() tries every method, and the server counts each as a failed login.
        methods = self._smtp.server_auth_methods
        if "plain" in methods:
            await self._smtp.auth_plain(username, password)
        elif "login" in methods:
            await self._smtp.auth_login(username, password)
        else:
            raise MissingCapability(Category.CREDENTIAL_REJECTED, "login_missing")

    async def _transact(self, mail: RenderedMail) -> ProviderResponse:
        options = [f"SIZE={len(mail.content)}".encode()] if self._smtp.supports_extension("size") else []
        if mail.international:
            if not self._smtp.supports_extension("smtputf8"):
                raise MissingCapability(Category.PAYLOAD_REJECTED, "smtputf8_missing", clean=True)
            options += [b"SMTPUTF8", b"BODY=8BITMIME"]
        self._mails += 1
        await self._command(Stage.MAIL, b"MAIL", f"FROM:<{mail.sender}>".encode(), *options)
        await self._command(Stage.RCPT, b"RCPT", f"TO:<{mail.recipient}>".encode())
        await self._command(Stage.DATA, b"DATA", expected=3)
        reply = await self._send_content(mail.content)
        if reply.code // 100 != 2:
            raise SMTPResponseException(reply.code, reply.message)
        return delivered(reply.message[:200])

    async def _command(self, stage: Stage, *words: bytes, expected: int = 2) -> None:
        self._stage = stage
        reply = await self._smtp.execute_command(*words)
        if reply.code // 100 != expected:
            raise SMTPResponseException(reply.code, reply.message)

    async def _send_content(self, content: bytes) -> SMTPResponse:
        # The library's data() does not show whether the connection broke before or after the content was sent.
        protocol = self._smtp.protocol
        if protocol is None:
            raise SMTPServerDisconnected("Connection lost")
        self._stage = Stage.SENT
        protocol.write(content)
        protocol.write(b".\r\n")
        return await protocol.read_response()

    def _categorize_broken(self, error: Exception) -> ProviderResponse:
        cause: BaseException | None = error
        while cause and not isinstance(cause, ssl.SSLError):
            cause = cause.__cause__
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ProviderResponse(Category.CREDENTIAL_REJECTED, "certificate_refused")
        if cause and self._stage is Stage.CONNECT:
            return ProviderResponse(Category.RETRY, "tls_failed")
        return categorize_silence(self._stage, "not_connected" if self._stage is Stage.CONNECT else "connection_lost")

    def timed_out(self) -> ProviderResponse:
        """The response for a mail that exceeded its time."""
        return categorize_silence(self._stage, "timeout")


class MissingCapability(Exception):
    """The server lacks a capability that the mail or the app needs."""

    def __init__(self, category: Category, reason: str, *, clean: bool = False) -> None:
        super().__init__(reason)
        self.response = ProviderResponse(category, reason)
        self.clean = clean
