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
from handoff_worker.providers.http_request.responses import ReceivedReply
from handoff_worker.resources import Resources
from handoff_worker.task_id import current_task_id

KEPT_HEADERS = {
    *("content-encoding", "content-language", "content-type", "date", "etag", "last-modified", "link", "location"),
    *("request-id", "retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-request-id"),
}
CREDENTIAL_HEADERS = {"authorization", "cookie", "x-api-key"}
VALUE_LIMIT = 2048  # characters; a longer header is left out
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # JSON needs six characters for each of these


@handles(HTTP_REQUEST)
async def http_request(request: HttpRequest, resources: Resources) -> HttpResponse:
    body, media_type = encode_body(request)
    headers = {"user-agent": "handoff"} | ({"content-type": media_type} if media_type else {})
    headers |= {name.lower(): value for name, value in request.headers.items()}
    if request.webhook:
        headers |= resources.http_requests().signer.sign(request.webhook, current_task_id(), body or b"")

    try:
        response = await send_through(
            server_channel(request, resources),
            resources.rate_limiter,
            lambda: resources.http_requests().send(request, headers, body),
            recipient=str(request.url),
        )
    except Snooze as snooze:
        if snooze.failure.code != "throttled":
            raise
        # A throttled attempt counts: a server that always replies 429 must not keep a batch from its end.
        raise Retry("throttled", "The server asked to wait.", snooze.after) from None
    return build_result(response.received, request.keep_body)


def encode_body(request: HttpRequest) -> tuple[bytes | None, str]:
    """The body, or None, and its media type."""
    if request.body is not None:
        return request.body.encode(), "text/plain; charset=utf-8"
    if request.body_json is not None:
        return to_json(request.body_json), "application/json"
    if request.body_base64 is not None:
        return b64decode(request.body_base64), "application/octet-stream"
    return (b"", "") if request.method in ("POST", "PUT", "PATCH") else (None, "")


def server_channel(request: HttpRequest, resources: Resources) -> Channel:
    """The channel of a server under one credential, which share a 429. Its name is a digest of both."""
    url = request.url
    credentials = sorted(
        (name.lower(), value) for name, value in request.headers.items() if name.lower() in CREDENTIAL_HEADERS
    )
    server = repr((url.scheme, url.host, url.port, credentials)).encode()
    provider, name = ("webhook", request.webhook) if request.webhook else ("http", "default")
    return resources.apps.channel(provider, name, blake2b(server, digest_size=8).hexdigest())


def build_result(received: ReceivedReply, keep_bytes: int) -> HttpResponse:
    """The result. A body that is not UTF-8 or contains control characters is kept as base64."""
    body, truncated = received.body[:keep_bytes], received.truncated or len(received.body) > keep_bytes
    headers = {
        name: value for name, value in received.headers.items() if name in KEPT_HEADERS and len(value) <= VALUE_LIMIT
    }
    encoding: Literal["text", "base64"] = "text"
    try:
        # A truncated body may end within a character, which is left out.
        text = getincrementaldecoder("utf-8")().decode(body, final=not truncated)
    except UnicodeDecodeError:
        text = ""
    if "content-encoding" in received.headers or CONTROLS.search(text) or (body and not text):
        text, encoding = b64encode(body).decode(), "base64"
    return HttpResponse(status=received.status, headers=headers, body=text, encoding=encoding, truncated=truncated)
