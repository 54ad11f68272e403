"""One connection to a mail server: a mail at a time, and it is known how far each came."""

import platform
import re
import ssl
import time
from contextlib import suppress

from aiosmtplib import SMTP, SMTPException, SMTPResponse, SMTPResponseException, SMTPServerDisconnected

from handoff_worker.delivery.responses import Category, ProviderResponse, delivered
from handoff_worker.providers.smtp.app import SmtpApp
from handoff_worker.providers.smtp.mail import Letter
from handoff_worker.providers.smtp.responses import Stage, categorize_silence, categorize_smtp_reply

MOST_MAILS = 100  # some servers end a connection after so many
IDLE_SECONDS = 30.0  # and one that was idle for a minute or more


class Connection:
    """Opened by its first mail. `clean`: the last reply came, so that another mail may follow."""

    def __init__(self, app: SmtpApp, context: ssl.SSLContext | None) -> None:
        self._app = app
        self._smtp = SMTP(
            hostname=app.host,
            port=app.port,
            timeout=None,  # one limit is kept over all steps of a mail
            use_tls=app.tls == "tls",
            start_tls=False,  # not by itself: first it is seen whether the server can
            tls_context=context,
            local_hostname=name if re.fullmatch(r"[A-Za-z0-9.-]+", name := platform.node()) else "localhost",
        )
        self._stage = Stage.CONNECT
        self._mails = 0
        self._used = time.monotonic()
        self.clean = False

    async def send(self, letter: Letter) -> ProviderResponse:
        """Sends a mail. Every reply, and every error of the way, is an response."""
        self.clean = False
        try:
            if not self._smtp.is_connected:
                await self._open()
            response = await self._transact(letter)
        except SMTPResponseException as error:
            self.clean = error.code > 0
            response = categorize_smtp_reply(self._stage, error.code, error.message)
        except MissingCapability as error:
            self.clean = error.clean
            response = error.response
        except (SMTPException, OSError) as error:
            response = self._broken(error)
        else:
            self.clean = True
        self._used = time.monotonic()
        return response

    async def ready(self) -> bool:
        """Whether the server takes another mail on it."""
        if not self._smtp.is_connected or self._mails >= MOST_MAILS or time.monotonic() - self._used > IDLE_SECONDS:
            return False
        self.clean = False
        try:
            await self._ask(Stage.MAIL, b"RSET")
        except (SMTPException, OSError):
            return False
        self.clean = True
        return True

    async def quit(self) -> None:
        """Says good-bye, and closes."""
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
            if not self._smtp.supports_extension("starttls"):
                raise MissingCapability(Category.CREDENTIAL_REJECTED, "starttls_missing")  # never goes on in the clear
            await self._smtp.starttls()
            await self._smtp.ehlo()
        if self._app.username and self._app.password:
            self._stage = Stage.AUTH
            await self._login(self._app.username, self._app.password.get_secret_value())

    async def _login(self, username: str, password: str) -> None:
        # One try: the library's own login() asks by every method, and each counts as a failure where it is wrong.
        methods = self._smtp.server_auth_methods
        if "plain" in methods:
            await self._smtp.auth_plain(username, password)
        elif "login" in methods:
            await self._smtp.auth_login(username, password)
        else:
            raise MissingCapability(Category.CREDENTIAL_REJECTED, "login_missing")

    async def _transact(self, letter: Letter) -> ProviderResponse:
        options = [f"SIZE={len(letter.content)}".encode()] if self._smtp.supports_extension("size") else []
        if letter.international:
            if not self._smtp.supports_extension("smtputf8"):
                raise MissingCapability(Category.PAYLOAD_REJECTED, "smtputf8_missing", clean=True)
            options += [b"SMTPUTF8", b"BODY=8BITMIME"]
        self._mails += 1
        await self._ask(Stage.MAIL, b"MAIL", f"FROM:<{letter.sender}>".encode(), *options)
        await self._ask(Stage.RCPT, b"RCPT", f"TO:<{letter.recipient}>".encode())
        await self._ask(Stage.DATA, b"DATA", hoped=3)
        reply = await self._content(letter.content)
        if reply.code // 100 != 2:
            raise SMTPResponseException(reply.code, reply.message)
        return delivered(reply.message[:200])

    async def _ask(self, stage: Stage, *words: bytes, hoped: int = 2) -> None:
        self._stage = stage
        reply = await self._smtp.execute_command(*words)
        if reply.code // 100 != hoped:
            raise SMTPResponseException(reply.code, reply.message)

    async def _content(self, content: bytes) -> SMTPResponse:
        # Not the library's data(): what is lost before the content was asked for was not sent, and it doesn't tell.
        protocol = self._smtp.protocol
        if protocol is None:
            raise SMTPServerDisconnected("Connection lost")
        self._stage = Stage.SENT
        protocol.write(content)
        protocol.write(b".\r\n")
        return await protocol.read_response()

    def _broken(self, error: Exception) -> ProviderResponse:
        cause: BaseException | None = error
        while cause and not isinstance(cause, ssl.SSLError):
            cause = cause.__cause__
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ProviderResponse(Category.CREDENTIAL_REJECTED, "certificate_refused")
        if cause and self._stage is Stage.CONNECT:
            return ProviderResponse(Category.RETRY, "tls_failed")
        return categorize_silence(self._stage, "not_connected" if self._stage is Stage.CONNECT else "connection_lost")

    def timed_out(self) -> ProviderResponse:
        """What it means that a mail was given up."""
        return categorize_silence(self._stage, "timeout")


class MissingCapability(Exception):
    """The server lacks what is needed."""

    def __init__(self, category: Category, reason: str, *, clean: bool = False) -> None:
        super().__init__(reason)
        self.response = ProviderResponse(category, reason)
        self.clean = clean
