"""Mail servers: each with a few connections that are kept from one mail to the next.

It is imported when the first mail is sent.
"""

import asyncio
import ssl
from pathlib import Path

from pydantic import ValidationError

from handoff_contracts.tasks.email_send import EmailSend
from handoff_worker.delivery.apps import App, Apps
from handoff_worker.delivery.channel import Channel
from handoff_worker.delivery.responses import ProviderResponse
from handoff_worker.errors import Fail
from handoff_worker.providers.smtp.app import SmtpApp
from handoff_worker.providers.smtp.connection import Connection
from handoff_worker.providers.smtp.mail import Letter, message_id, write
from handoff_worker.settings import Settings

READY_SECONDS = 5.0  # an idle connection that does not response for so long is dropped
QUIT_SECONDS = 2.0


class SmtpServers:
    """The servers by the name of their app. One whose app's file changed is another server."""

    def __init__(self, settings: Settings, apps: Apps) -> None:
        self._blobs = settings.blob_dir
        self._apps = apps
        self._servers: dict[str, tuple[App, SmtpServer]] = {}

    def __getitem__(self, name: str) -> "SmtpServer":
        """Raises `Fail` when there is no such app, or a malformed one."""
        app = self._apps.get("smtp", name)
        if (known := self._servers.get(name)) and known[0] is app:
            return known[1]
        server = SmtpServer(_parse(app.text), app.channel, self._blobs)
        if known:
            known[1].retire()
        self._servers[name] = app, server
        return server

    async def aclose(self) -> None:
        await asyncio.gather(*(server.aclose() for _, server in self._servers.values()))


class SmtpServer:
    """Sends mails by one server, some at a time."""

    def __init__(self, app: SmtpApp, channel: Channel, blobs: Path | None) -> None:
        self.channel = channel
        self._app = app
        self._blobs = blobs
        self._places = asyncio.Semaphore(app.connections)
        self._writing = asyncio.Lock()
        self._idle: list[Connection] = []
        self._retired = False
        self._context: ssl.SSLContext | None = None

    def message_id(self, mail: EmailSend, identity: str) -> str:
        return mail.message_id or message_id(mail.sender or self._app.sender, identity)

    async def send(self, mail: EmailSend, message_id: str) -> ProviderResponse:
        """Sends a mail. Raises `Fail` or `Retry` when it can't be written."""
        async with self._places:  # before it is written: so many are in memory at once, and no more
            async with self._writing:  # which takes several times a mail's size, and one processor anyway
                letter = await asyncio.to_thread(write, mail, self._app.sender, message_id, self._blobs)
            return await self._deliver(letter)

    async def _deliver(self, letter: Letter) -> ProviderResponse:
        connection = await self._kept() or Connection(self._app, await self._tls())
        try:
            async with asyncio.timeout(self._app.timeout):
                return await connection.send(letter)
        except TimeoutError:
            return connection.timed_out()
        finally:
            self._put_back(connection)

    async def _kept(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            ready = False
            try:
                async with asyncio.timeout(READY_SECONDS):
                    ready = await connection.ready()
            except TimeoutError:
                continue
            finally:
                if not ready:
                    connection.close()
            if ready:
                return connection
        return None

    def _put_back(self, connection: Connection) -> None:
        if connection.clean and not self._retired:
            self._idle.append(connection)
        else:
            connection.close()

    async def _tls(self) -> ssl.SSLContext | None:
        if self._app.tls != "none" and self._context is None:
            try:
                self._context = await asyncio.to_thread(ssl.create_default_context, cafile=self._app.ca_file)
            except OSError:  # an SSLError is one
                raise Fail("bad_credential", "The app's CA file can't be read.") from None
        return self._context

    def retire(self) -> None:
        """No connection is kept any more."""
        self._retired = True
        while self._idle:
            self._idle.pop().close()

    async def aclose(self) -> None:
        self._retired = True
        try:
            async with asyncio.timeout(QUIT_SECONDS):
                await asyncio.gather(*(connection.quit() for connection in self._idle))
        except TimeoutError:
            self.retire()


def _parse(text: str) -> SmtpApp:
    try:
        return SmtpApp.model_validate_json(text)
    except ValidationError:
        raise Fail("bad_credential", "The credential's file is malformed.") from None


def open_provider(settings: Settings, apps: Apps) -> SmtpServers:
    return SmtpServers(settings, apps)
