"""What gunicorn needs to run the API."""

import asyncio
import gc
import logging
import signal
from socket import socket
from typing import Any

from gunicorn.arbiter import Arbiter
from uvicorn.server import Server
from uvicorn_worker import UvicornWorker

from handoff_api.protocol import BoundedProtocol

GRACE_SECONDS = 20  # after SIGTERM; then what still runs is killed
SERVER: dict[str, Any] = {
    "loop": "uvloop",
    "http": BoundedProtocol,
    "ws": "none",
    "timeout_graceful_shutdown": GRACE_SECONDS - 3,
    "proxy_headers": False,  # nothing here asks where a request came from
    "server_header": False,
    "access_log": False,
}


class OwnServer(Server):
    """A server whose long-lived objects cost nothing, and whose event streams do not hold up its end."""

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        gc.collect()
        gc.freeze()  # what was loaded is never looked at again: a full collection took 50 ms

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        if watcher := self.lifespan.state.get("watcher"):
            watcher.stop()
        await super().shutdown(sockets)


class Worker(UvicornWorker):
    """Closes the generators of clients that are gone, and runs the lifespan's end on SIGTERM."""

    CONFIG_KWARGS = SERVER

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        uvicorn = logging.getLogger("uvicorn.error")
        uvicorn.handlers.clear()
        uvicorn.propagate = True
        uvicorn.setLevel(logging.WARNING)

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        server = OwnServer(self.config)
        asyncio.get_running_loop().add_signal_handler(signal.SIGQUIT, server.handle_exit, signal.SIGTERM, None)
        await server.serve(sockets=self.sockets)
        if not server.started:
            raise SystemExit(Arbiter.WORKER_BOOT_ERROR)
