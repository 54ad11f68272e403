"""How fast pushes go to FCM: `python -m bench.push [devices]`. Prints one JSON object.

All against one local sink (nginx; TLS, HTTP/2) and in one run, in sends a second: the HTTP client alone, `client`;
firebase-admin's `send_each`, until it returns; `handoff`, one pool process of a worker, from its first send to its
last, with ledger, packs and pace, the median of nine batches. `end_to_end_s`: from the POST of a batch to its last
delivery, the median; `end_to_end_worst_s`: the longest. The channel's pace is above what a process can send.
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
import uvloop
from firebase_admin import credentials, messaging

from bench.push_sink import PATH, Sink
from handoff_worker.delivery import http
from stack import Stack

IN_FLIGHT = 100
BATCHES = 9
CALL = 500  # messages that firebase-admin takes in a call
TEXTS = {"title": "Your order is on its way", "body": "It arrives tomorrow between 9 and 12."}


def device(number: int) -> str:
    return f"{number:08}:APA91b" + "x" * 148


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
    uvloop.run(senders())
    return sink.rate(sends)


def by_firebase(sink: Sink, sends: int) -> float:
    messaging._MessagingService.FCM_URL = sink.url + "/v1/projects/{0}/messages:send"
    warnings.filterwarnings("ignore", "Message.token is deprecated", DeprecationWarning)
    app = firebase_admin.initialize_app(credentials.Certificate(str(sink.app)))
    notification = messaging.Notification(**TEXTS)
    messages = [messaging.Message(token=device(at), notification=notification) for at in range(sends)]
    session = messaging._get_messaging_service(app)._client.session
    session.mount(sink.url, session.get_adapter("https://fcm.googleapis.com"))  # its own pool of 100, here too
    messaging.send_each(messages[:1])
    sink.forget()
    began = time.monotonic()
    for at in range(0, sends, CALL):
        if (answer := messaging.send_each(messages[at : at + CALL])).failure_count:
            raise SystemExit(f"firebase-admin failed: {answer.responses[0].exception}")
    took = time.monotonic() - began
    firebase_admin.delete_app(app)
    sink.rate(sends)
    return sends / took


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
            began = time.time()
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
            batches.append((rate, sink.sends()[-1] - began))
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
            found: dict[str, Any] = {"devices": devices, "client": by_client(sink, devices)}
            found["firebase"] = by_firebase(sink, devices)
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
