"""The gunicorn worker class that runs the API, and its uvicorn settings."""

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

GRACE_SECONDS = 20  # from SIGTERM until gunicorn kills the process
SERVER: dict[str, Any] = {
    "loop": "uvloop",
    "http": BoundedProtocol,
    "ws": "none",
    "timeout_graceful_shutdown": GRACE_SECONDS - 3,
    "proxy_headers": False,  # the API does not use the address of the client
    "server_header": False,
    "access_log": False,
}


class ApiServer(Server):
    """A uvicorn server that keeps garbage collection short, and ends event streams before it shuts down."""

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        gc.collect()
        gc.freeze()  # exempts the loaded modules, because a full collection of them pauses requests for 50 ms

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        if watcher := self.lifespan.state.get("watcher"):
            watcher.stop()
        await super().shutdown(sockets)


class GunicornWorker(UvicornWorker):
    """A gunicorn worker that serves with `ApiServer`, which ends its lifespan on SIGTERM and SIGQUIT."""

    CONFIG_KWARGS = SERVER

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        uvicorn = logging.getLogger("uvicorn.error")
        uvicorn.handlers.clear()
        uvicorn.propagate = True
        uvicorn.setLevel(logging.WARNING)

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        server = ApiServer(self.config)
        asyncio.get_running_loop().add_signal_handler(signal.SIGQUIT, server.handle_exit, signal.SIGTERM, None)
        await server.serve(sockets=self.sockets)
        if not server.started:
            raise SystemExit(Arbiter.WORKER_BOOT_ERROR)
