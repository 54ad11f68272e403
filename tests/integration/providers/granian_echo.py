"""What granian, a server of others (hyper, in Rust), answers with: `python granian_echo.py <folder> <port>` serves."""

import sys
from pathlib import Path
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces


async def app(scope: Any, protocol: Any) -> None:
    """What was asked, behind as many bytes as the path says."""
    body = await protocol()
    size = int(scope.path.strip("/"))
    protocol.response_bytes(200, [("x-asked", scope.headers["x-asked"])], b"." * size + body)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    Granian(
        "granian_echo:app",
        address="127.0.0.1",
        port=int(sys.argv[2]),
        interface=Interfaces.RSGI,
        http=HTTPModes.http2,
        ssl_cert=folder / "server.pem",
        ssl_key=folder / "server.key",
        working_dir=Path(__file__).parent,
        log_enabled=False,
    ).serve()
