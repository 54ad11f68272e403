"""What gunicorn needs to run the API."""

import logging
from socket import socket
from typing import Any

from gunicorn.arbiter import Arbiter
from uvicorn.server import Server
from uvicorn_worker import UvicornWorker

GRACE_S = 20  # after SIGTERM; then what still runs is killed
SERVER: dict[str, Any] = {
    "loop": "uvloop",
    "http": "httptools",
    "timeout_graceful_shutdown": GRACE_S - 3,
    "server_header": False,
    "access_log": False,
}


class StreamsFirst(Server):
    """Ends event streams when the process is to stop; they would hold it up for ever."""

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
        server = StreamsFirst(self.config)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            raise SystemExit(Arbiter.WORKER_BOOT_ERROR)
