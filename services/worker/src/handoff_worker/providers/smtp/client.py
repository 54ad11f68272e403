"""Mail servers, each with a few connections that stay open between mails.

It is imported at the first mail.
"""

import asyncio
import ssl
from pathlib import Path

from handoff_contracts.tasks.email_send import EmailSend
from handoff_worker.delivery.apps import App, Apps
from handoff_worker.delivery.channel import Channel
from handoff_worker.delivery.credential_cache import CredentialCache
from handoff_worker.delivery.responses import ProviderResponse
from handoff_worker.errors import Fail
from handoff_worker.providers.smtp.app import SmtpApp
from handoff_worker.providers.smtp.connection import Connection
from handoff_worker.providers.smtp.mail import RenderedMail, message_id, render_mail
from handoff_worker.settings import Settings

RSET_TIMEOUT_SECONDS = 5.0  # an idle connection without a reply to RSET is dropped
QUIT_TIMEOUT_SECONDS = 2.0


class SmtpServers:
    """The servers by the name of their app. A changed file replaces its server."""

    def __init__(self, settings: Settings, apps: Apps) -> None:
        self._blobs = settings.blob_dir
        self._servers = CredentialCache(apps, "smtp", self._open, discard=SmtpServer.retire)

    def __getitem__(self, name: str) -> "SmtpServer":
        """The server of an app. Raises `Fail` if there is no such app, or for a malformed file."""
        return self._servers.get(name)

    async def aclose(self) -> None:
        await asyncio.gather(*(server.aclose() for server in self._servers.values()))

    def _open(self, app: App) -> "SmtpServer":
        return SmtpServer(SmtpApp.model_validate_json(app.text), app.channel, self._blobs)


class SmtpServer:
    """Sends mails through one server, over several connections at once."""

    def __init__(self, app: SmtpApp, channel: Channel, blobs: Path | None) -> None:
        self.channel = channel
        self._app = app
        self._blobs = blobs
        self._slots = asyncio.Semaphore(app.connections)
        self._rendering = asyncio.Lock()
        self._idle: list[Connection] = []
        self._retired = False
        self._context: ssl.SSLContext | None = None

    def message_id(self, mail: EmailSend, identity: str) -> str:
        return mail.message_id or message_id(mail.sender or self._app.sender, identity)

    async def send(self, mail: EmailSend, message_id: str) -> ProviderResponse:
        """Sends a mail. Raises `Fail` or `Retry` if it can't be rendered."""
        async with self._slots:  # before rendering, to bound the mails in memory
            async with self._rendering:  # one at a time: rendering needs several times a mail's size
                rendered = await asyncio.to_thread(render_mail, mail, self._app.sender, message_id, self._blobs)
            return await self._deliver(rendered)

    async def _deliver(self, mail: RenderedMail) -> ProviderResponse:
        connection = await self._idle_connection() or Connection(self._app, await self._tls())
        try:
            async with asyncio.timeout(self._app.timeout):
                return await connection.send(mail)
        except TimeoutError:
            return connection.timed_out()
        finally:
            self._put_back(connection)

    async def _idle_connection(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            ready = False
            try:
                async with asyncio.timeout(RSET_TIMEOUT_SECONDS):
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
        """Closes the idle connections and keeps no others open."""
        self._retired = True
        while self._idle:
            self._idle.pop().close()

    async def aclose(self) -> None:
        self._retired = True
        try:
            async with asyncio.timeout(QUIT_TIMEOUT_SECONDS):
                await asyncio.gather(*(connection.quit() for connection in self._idle))
        except TimeoutError:
            self.retire()


def open_provider(settings: Settings, apps: Apps) -> SmtpServers:
    return SmtpServers(settings, apps)
