"""How fast pushes go to FCM: `python bench/push.py [devices]`. Prints one JSON object.

All against one local sink (TLS, HTTP/2) and in one run, in sends a second: the client alone, `sink`, which the sink
keeps up with; firebase-admin's `send_each`, until it returns; `handoff`, one pool process of a worker, from its first
send to its last, with ledger, packs and pace, the median of three batches. `end_to_end_s`: from the POST of a batch to
its last delivery, the median; `end_to_end_worst_s`: the longest. The channel's pace is above what a process can send.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import firebase_admin
import httpx2
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from firebase_admin import credentials, messaging

from handoff_worker import http
from process import Process, free_port, wait_until
from stack import Stack, clean_environment

IN_FLIGHT = 100
BATCHES = 3
FIREBASE = 1_000  # sends of firebase-admin, 500 a call
WAIT_S = 120.0
TEXTS = {"title": "Your order is on its way", "body": "It arrives tomorrow between 9 and 12."}
PATH = "/v1/projects/bench/messages:send"


def device(number: int) -> str:
    return f"{number:08}:APA91b" + "x" * 148


class Sink(Process):
    """`push_sink.py`, and the app's file that leads to it."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.authority = folder / "authority.pem"
        authority.cert_pem.write_to_path(str(self.authority))
        certificate = authority.issue_cert("localhost")
        certificate.private_key_pem.write_to_path(str(folder / "sink.key"))
        certificate.cert_chain_pems[0].write_to_path(str(folder / "sink.pem"))
        port = free_port()
        self.url = f"https://localhost:{port}"
        self.app = folder / "fcm.default.json"
        self.app.write_text(json.dumps(key_file(f"{self.url}/token")))
        command = [sys.executable, str(Path(__file__).with_name("push_sink.py")), str(folder), str(port)]
        super().__init__("sink", command, folder=folder, env=clean_environment())
        authorities = httpx2.create_ssl_context()
        authorities.load_verify_locations(self.authority)
        self._client = httpx2.Client(verify=authorities, trust_env=False)

    def ready(self) -> bool:
        try:
            return self.seen() == (0, 0.0, 0.0)
        except httpx2.TransportError:
            return False

    def seen(self) -> tuple[int, float, float]:
        """How many sends it saw, and when it saw the first and the last."""
        seen = self._client.get(f"{self.url}/seen").json()
        return seen["sends"], seen["first"], seen["last"]

    def forget(self) -> None:
        self._client.delete(f"{self.url}/seen")

    def rate(self, sends: int) -> float:
        """Sends a second, once it has seen so many."""
        if not wait_until(lambda: self.seen()[0] >= sends, WAIT_S):
            raise SystemExit(f"{self.seen()[0]} of {sends} sends arrived within {WAIT_S:.0f} s")
        seen, first, last = self.seen()
        if seen != sends:
            raise SystemExit(f"{seen} sends arrived in place of {sends}")
        return sends / max(last - first, 1e-6)


def key_file(token_uri: str) -> dict[str, str]:
    """A service account's key of nobody."""
    encoding = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key = rsa.generate_private_key(65537, 2048).private_bytes(*encoding).decode()
    account = {"type": "service_account", "project_id": "bench", "private_key_id": "1", "private_key": key}
    return {**account, "client_email": "bench@example.invalid", "token_uri": token_uri}


def by_client(sink: Sink, sends: int) -> float:
    """The client alone."""
    bodies = iter([json.dumps({"message": {"token": device(at), "notification": TEXTS}}) for at in range(sends)])
    headers = {"authorization": "Bearer " + "t" * 1000, "content-type": "application/json"}

    async def sender() -> None:
        for body in bodies:
            await http.post(sink.url + PATH, headers, body.encode(), http2_only=True)

    async def senders() -> None:
        await asyncio.gather(*[sender() for _ in range(IN_FLIGHT)])
        await http.aclose()

    sink.forget()
    asyncio.run(senders())
    return sink.rate(sends)


def by_firebase(sink: Sink) -> float:
    messaging._MessagingService.FCM_URL = sink.url + "/v1/projects/{0}/messages:send"
    warnings.filterwarnings("ignore", "Message.token is deprecated", DeprecationWarning)
    app = firebase_admin.initialize_app(credentials.Certificate(str(sink.app)))
    notification = messaging.Notification(**TEXTS)
    messages = [messaging.Message(token=device(at), notification=notification) for at in range(FIREBASE)]
    session = messaging._get_messaging_service(app)._client.session
    session.mount(sink.url, session.get_adapter("https://fcm.googleapis.com"))  # its own pool of 100, here too
    messaging.send_each(messages[:1])
    sink.forget()
    began = time.monotonic()
    for at in range(0, FIREBASE, 500):
        if (answer := messaging.send_each(messages[at : at + 500])).failure_count:
            raise SystemExit(f"firebase-admin failed: {answer.responses[0].exception}")
    took = time.monotonic() - began
    firebase_admin.delete_app(app)
    sink.rate(FIREBASE)
    return FIREBASE / took


def by_handoff(sink: Sink, folder: Path, devices: int) -> list[tuple[float, float]]:
    """Of each batch the sends a second, and the seconds from its POST to its last delivery."""
    settings = {"HANDOFF_APPS_DIR": str(folder), "HANDOFF_FCM_URL": sink.url, "SSL_CERT_FILE": str(sink.authority)}
    settings["HANDOFF_PACE"] = "fcm=100000"
    stack = Stack(folder / "stack", settings=settings, appendonly=True)
    command = stack.worker.command
    command[command.index("--concurrency=2")] = "--concurrency=1"
    with stack:

        def post(items: int) -> float:
            body = {"common": {"provider": "fcm", **TEXTS}, "items": [{"token": device(at)} for at in range(items)]}
            content = json.dumps(body).encode()
            sink.forget()
            began = time.monotonic()
            url = f"{stack.api.url}/v1/batches/push.send"
            accepted = httpx2.post(url, content=content, headers={"content-type": "application/json"}, timeout=30)
            if accepted.status_code != 202:
                raise SystemExit(f"The batch was not accepted: {accepted.text}")
            return began

        post(1)
        sink.rate(1)
        batches = []
        for _ in range(BATCHES):
            began = post(devices)
            rate = sink.rate(devices)
            batches.append((rate, sink.seen()[2] - began))
        return batches


def main() -> int:
    devices = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sink = Sink(folder)
        os.environ.update({"SSL_CERT_FILE": str(sink.authority), "REQUESTS_CA_BUNDLE": str(sink.authority)})
        sink.start()
        try:
            sink.wait_ready()
            found: dict[str, Any] = {"devices": devices, "sink": by_client(sink, devices)}
            found["firebase"] = by_firebase(sink)
            rates, seconds = zip(*by_handoff(sink, folder, devices), strict=True)
            found["handoff"] = statistics.median(rates)
            found["end_to_end_s"], found["end_to_end_worst_s"] = statistics.median(seconds), max(seconds)
        finally:
            sink.stop()
    found["ratio"] = found["handoff"] / found["firebase"]
    print(json.dumps({name: round(value, 1) for name, value in found.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
