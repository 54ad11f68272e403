"""The sink of `bench/push.py`: TLS and HTTP/2 by granian, whose limit it measures too. Nobody's phone rings.

`python bench/push_sink.py <folder> <port>` serves with the folder's `sink.pem` and `sink.key`.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces

JSON = [("content-type", "application/json; charset=UTF-8")]
TOKEN = json.dumps({"access_token": "t" * 1000, "expires_in": 3600, "token_type": "Bearer"})
SENT = '{\n  "name": "projects/bench/messages/0:1800000000000000%31bd1c9631bd1c96"\n}\n'
seen = {"sends": 0, "first": 0.0, "last": 0.0}


async def app(scope: Any, protocol: Any) -> None:
    """`/token` grants; `/seen` tells how many sends there were and when on the monotonic clock, DELETE forgets."""
    await protocol()
    if scope.path == "/seen":
        if scope.method == "DELETE":
            seen.update(sends=0, first=0.0, last=0.0)
        protocol.response_str(200, JSON, json.dumps(seen))
        return
    if scope.path == "/token":
        protocol.response_str(200, JSON, TOKEN)
        return
    now = time.monotonic()
    seen["first"] = seen["first"] or now
    seen["sends"] += 1
    seen["last"] = now
    protocol.response_str(200, JSON, SENT)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    Granian(
        "push_sink:app",
        address="127.0.0.1",
        port=int(sys.argv[2]),
        interface=Interfaces.RSGI,
        http=HTTPModes.auto,
        ssl_cert=folder / "sink.pem",
        ssl_key=folder / "sink.key",
        log_enabled=False,
    ).serve()
