"""A simulator of FCM's HTTP v1 API and of Google's token endpoint: TLS and HTTP/2 on loopback, ours, no Google in it.

It answers as documented, and as told to: what Google's servers can't be asked for (429, 5xx, HTML, a hang, a reset).
"""

import asyncio
import json
import ssl
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any, Self
from urllib.parse import parse_qs

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import jwt
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from h2.settings import SettingCodes, Settings

GRANT_SECONDS = 3600
FRAME = 8192  # bytes


@dataclass(frozen=True)
class Say:
    """An answer. `end`: how it ends, other than well."""

    status: int = 200
    body: str | Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    end: str = ""  # hang, reset (the connection, no answer), cut (the connection, amid the body), refuse (the stream)


HANG, RESET, REFUSE = Say(end="hang"), Say(end="reset"), Say(end="refuse")
CUT = Say(200, {"name": "projects/demo/messages/1"}, end="cut")


@dataclass(frozen=True)
class Asked:
    """A request. `token`: the device it is for."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def token(self) -> str:
        return str(json.loads(self.body)["message"]["token"])


class FcmSimulator:
    """As a context manager: answers in a thread of its own inside. `script` says by device token, or by `oauth`, how
    the next requests for it are answered; each other is delivered. `sends` and `grants` are what it was asked.
    """

    def __init__(self, folder: Path, *, delay: float = 0.0) -> None:
        self.delay = delay
        self.script: dict[str, list[Say]] = defaultdict(list)
        self.sends: list[Asked] = []
        self.grants: list[Asked] = []
        self.connections = 0
        self.takes = 100  # requests at a time, of a connection that has answered none
        self.stays = 0  # requests that a connection answers before it goes away; 0: any
        self.open: set[_Connection] = set()
        self.in_flight = self.most_in_flight = 0
        self._folder = folder
        self._loop = asyncio.new_event_loop()
        authority = trustme.CA()
        self.authority = folder / "authority.pem"
        authority.cert_pem.write_to_path(str(self.authority))
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.set_alpn_protocols(["h2"])
        authority.issue_cert("localhost").configure_cert(self._tls)
        self._key = new_key()

    def __enter__(self) -> Self:
        listening = self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, ssl=self._tls, backlog=1000)
        self._server = self._loop.run_until_complete(listening)
        self.url = f"https://localhost:{self._server.sockets[0].getsockname()[1]}"
        self._thread = Thread(target=self._loop.run_forever)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self.hang_up()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def hang_up(self) -> None:
        """Resets every connection."""
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(20)

    async def _hang_up(self) -> None:
        connections = list(self.open)
        for connection in connections:
            connection.transport.abort()
        for connection in connections:
            await connection.lost.wait()

    def key_file(self, **other: str) -> str:
        """A service account's JSON key, as Google's console makes it."""
        return json.dumps(
            {
                "type": "service_account",
                "project_id": "demo",
                "private_key_id": "key-1",
                "private_key": written(self._key),
                "client_email": "sender@demo.iam.gserviceaccount.com",
                "client_id": "1",
                "token_uri": f"{self.url}/token",
                "universe_domain": "googleapis.com",
                **other,
            }
        )

    def answer(self, asked: Asked) -> Say:
        if asked.path == "/token":
            self.grants.append(asked)
            return self.script["oauth"].pop(0) if self.script["oauth"] else self._grant(asked)
        self.sends.append(asked)
        if self.script[asked.token]:
            return self.script[asked.token].pop(0)
        if asked.headers["authorization"] not in {f"Bearer token-{number + 1}" for number in range(len(self.grants))}:
            return UNAUTHENTICATED
        return Say(200, {"name": f"projects/demo/messages/{len(self.sends)}"})

    def _grant(self, asked: Asked) -> Say:
        form = parse_qs(asked.body.decode(), strict_parsing=True)
        try:
            assertion = form["assertion"][0]
            claims = jwt.decode(assertion, self._key.public_key(), ["RS256"], audience=f"{self.url}/token")
        except jwt.InvalidTokenError:
            return Say(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
        assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
        assert claims["scope"] == "https://www.googleapis.com/auth/firebase.messaging"
        granted = {"access_token": f"token-{len(self.grants)}", "expires_in": GRANT_SECONDS, "token_type": "Bearer"}
        return Say(200, granted)


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def written(key: rsa.RSAPrivateKey) -> str:
    """A key as PEM."""
    encoding = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(*encoding).decode()


def fcm_error(status: int, canonical: str, code: str, message: str = "", **detail: Any) -> dict[str, Any]:
    """An error's body as Google's servers write it."""
    details: list[dict[str, Any]] = []
    if code:
        details.append({"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code})
    for name, value in detail.items():
        kind = "BadRequest" if name == "fieldViolations" else "QuotaFailure"
        details.append({"@type": f"type.googleapis.com/google.rpc.{kind}", name: value})
    return {"error": {"code": status, "message": message or canonical, "status": canonical, "details": details}}


UNAUTHENTICATED = Say(401, fcm_error(401, "UNAUTHENTICATED", "", "Request had invalid authentication credentials."))


class _Connection(asyncio.Protocol):
    """One connection: HTTP/2 by the package h2."""

    transport: asyncio.Transport

    def __init__(self, simulator: FcmSimulator) -> None:
        self.lost = asyncio.Event()
        self._simulator = simulator
        self._asked: dict[int, tuple[dict[str, str], bytearray]] = {}
        self._answered = 0
        self._away = False
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._simulator.connections += 1
        self._simulator.open.add(self)
        self.transport = transport
        first = {SettingCodes.MAX_CONCURRENT_STREAMS: self._simulator.takes}
        self._h2.local_settings = Settings(client=False, initial_values=first)
        self._h2.initiate_connection()
        self._flush()

    def connection_lost(self, error: Exception | None) -> None:
        self._simulator.open.discard(self)
        self.lost.set()

    def data_received(self, data: bytes) -> None:
        for event in [] if self._away else self._h2.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                self._asked[event.stream_id] = {str(name): str(value) for name, value in event.headers}, bytearray()
            elif isinstance(event, h2.events.DataReceived):
                self._asked[event.stream_id][1].extend(event.data)
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded) and not self._away:
                self._complete(event.stream_id)
        self._flush()

    def _complete(self, stream: int) -> None:
        headers, body = self._asked.pop(stream)
        simulator = self._simulator
        simulator.in_flight += 1
        simulator.most_in_flight = max(simulator.most_in_flight, simulator.in_flight)
        say = simulator.answer(Asked(headers[":path"], headers, bytes(body)))
        if simulator.delay:
            asyncio.get_running_loop().call_later(simulator.delay, self._say, stream, say)
        else:
            self._say(stream, say)

    def _say(self, stream: int, say: Say) -> None:
        self._simulator.in_flight -= 1
        if say.end == "hang" or self.transport.is_closing():
            return
        if say.end == "reset":
            self.transport.abort()
            return
        with suppress(h2.exceptions.StreamClosedError, h2.exceptions.StreamIDTooLowError):  # the client has given up
            self._write(stream, say)
        self._settle(stream)
        self._flush()
        if say.end == "cut":
            self.transport.abort()

    def _settle(self, stream: int) -> None:
        self._answered += 1
        if self._answered == 1 and self._simulator.takes < 100:
            self._h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 100})
        if self._answered == self._simulator.stays:
            self._away = True
            self._h2.close_connection(last_stream_id=stream)

    def _write(self, stream: int, say: Say) -> None:
        if say.end == "refuse":
            self._h2.reset_stream(stream, 7)
            return
        body = (say.body if isinstance(say.body, str) else json.dumps(say.body)).encode()
        kind = "text/html" if isinstance(say.body, str) else "application/json; charset=UTF-8"
        headers = [(":status", str(say.status)), ("content-type", kind), ("content-length", str(len(body)))]
        self._h2.send_headers(stream, [*headers, *say.headers.items()])
        sent = body[: len(body) // 2] if say.end == "cut" else body
        for at in range(0, len(sent), FRAME):
            self._h2.send_data(stream, sent[at : at + FRAME])
            self._flush()
        if say.end != "cut":
            self._h2.end_stream(stream)

    def _flush(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(self._h2.data_to_send())
