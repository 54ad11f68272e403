"""Handles `http.request`."""

import re
from base64 import b64decode, b64encode
from codecs import getincrementaldecoder
from hashlib import blake2b
from typing import Literal

from pydantic_core import to_json

from handoff_contracts.tasks.http_request import HTTP_REQUEST, HttpRequest, HttpResponse
from handoff_worker.binding import handles
from handoff_worker.delivery.channel import Channel, send_through
from handoff_worker.errors import Retry, Snooze
from handoff_worker.providers.outbound.responses import Received
from handoff_worker.providers.outbound.signature import signed
from handoff_worker.resources import Resources
from handoff_worker.task_id import current_task_id

TOLD = {"content-encoding", "content-language", "content-type", "date", "etag", "last-modified", "link", "location"} | {
    *("request-id", "retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-request-id")
}
CREDENTIALS = {"authorization", "cookie", "x-api-key"}
VALUE_LIMIT = 2048  # characters of a header's value; one that is longer is left out
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # JSON has six characters for each of these


@handles(HTTP_REQUEST)
async def http_request(request: HttpRequest, resources: Resources) -> HttpResponse:
    body, media_type = content(request)
    headers = {"user-agent": "handoff"} | ({"content-type": media_type} if media_type else {})
    headers |= {name.lower(): value for name, value in request.headers.items()}
    if request.webhook:
        headers |= signed(resources.apps.get("webhook", request.webhook), current_task_id(), body or b"")

    try:
        answer = await send_through(
            channel(request, resources),
            resources.pace,
            lambda: resources.outbound().send(request, headers, body),
            recipient=str(request.url),
        )
    except Snooze as snooze:
        if snooze.failure.code != "throttled":
            raise
        # This counts as an attempt: a server that always says 429 must not keep a pack from its end.
        raise Retry("throttled", "Its server asked to wait.", snooze.after) from None
    return response(answer.received, request.keep_body)


def content(request: HttpRequest) -> tuple[bytes | None, str]:
    """The body, if there is one, and its type."""
    if request.body is not None:
        return request.body.encode(), "text/plain; charset=utf-8"
    if request.body_json is not None:
        return to_json(request.body_json), "application/json"
    if request.body_base64 is not None:
        return b64decode(request.body_base64), "application/octet-stream"
    return (b"", "") if request.method in ("POST", "PUT", "PATCH") else (None, "")


def channel(request: HttpRequest, resources: Resources) -> Channel:
    """What answers 429 as one: a server under one credential. Its name tells nothing of either."""
    url = request.url
    credentials = sorted(
        (name.lower(), value) for name, value in request.headers.items() if name.lower() in CREDENTIALS
    )
    told = repr((url.scheme, url.host, url.port, credentials)).encode()
    provider, name = ("webhook", request.webhook) if request.webhook else ("http", "default")
    return resources.apps.channel(provider, name, blake2b(told, digest_size=8).hexdigest())


def response(received: Received, keep: int) -> HttpResponse:
    """The result: a body that is no UTF-8, or has controls in it, is kept as base64."""
    body, truncated = received.body[:keep], received.truncated or len(received.body) > keep
    headers = {name: value for name, value in received.headers.items() if name in TOLD and len(value) <= VALUE_LIMIT}
    encoding: Literal["text", "base64"] = "text"
    try:
        # A character that was cut in two at the end is left out.
        text = getincrementaldecoder("utf-8")().decode(body, final=not truncated)
    except UnicodeDecodeError:
        text = ""
    if "content-encoding" in received.headers or CONTROLS.search(text) or (body and not text):
        text, encoding = b64encode(body).decode(), "base64"
    return HttpResponse(status=received.status, headers=headers, body=text, encoding=encoding, truncated=truncated)
