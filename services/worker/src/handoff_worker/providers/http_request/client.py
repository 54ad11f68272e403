"""Sends HTTP requests to any server on the internet, with limits on redirects and time.

It is imported at the first request.
"""

import asyncio
import ssl
import time
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any
from urllib.parse import urljoin

import httpcore2
from pydantic import HttpUrl, TypeAdapter

from handoff_contracts.tasks.http_request import HttpRequest
from handoff_worker.delivery.apps import Apps
from handoff_worker.delivery.responses import Category
from handoff_worker.providers.http_request.egress import AddressForbidden, EgressBackend
from handoff_worker.providers.http_request.responses import (
    BODY_LIMIT,
    HttpProviderResponse,
    ReceivedReply,
    categorize_http_reply,
    categorize_no_reply,
)
from handoff_worker.providers.http_request.signature import WebhookSigner
from handoff_worker.settings import Settings, parse_networks

CONNECT_TIMEOUT_SECONDS = 10.0
DEFAULT_PORTS = {"http": 80, "https": 443}
SAME_METHOD = {307, 308}
REDIRECTS = {301, 302, 303} | SAME_METHOD
# The only headers that follow a redirect to another origin: any other header may be a credential.
CROSS_ORIGIN_HEADERS = {"accept", "accept-language", "content-type", "user-agent"}

# No complete reply came. A broken TLS record raises an OSError.
NO_REPLY_ERRORS = (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.RemoteProtocolError, OSError)

parse_url = TypeAdapter(HttpUrl).validate_python


class HttpRequestClient:
    """Sends requests through one pool of connections. `signer` signs webhooks."""

    def __init__(self, settings: Settings, apps: Apps) -> None:
        self.signer = WebhookSigner(apps)
        self._egress = EgressBackend(parse_networks(settings.egress_allow))
        self._pool = self._egress.pool()

    async def send(self, request: HttpRequest, headers: Mapping[str, str], body: bytes | None) -> HttpProviderResponse:
        """Sends a request with these headers and this body. Every reply, and every error, becomes a response."""
        hop = Hop(self._pool, request.method, body, time.monotonic() + request.timeout)
        try:
            return categorize_http_reply(request, await follow(request, headers, hop))
        except RequestRejected as rejected:
            return HttpProviderResponse(Category.PAYLOAD_REJECTED, rejected.reason)
        except NO_REPLY_ERRORS as error:
            reason = _reason(error)
            return categorize_no_reply(request, reason) if hop.sent else HttpProviderResponse(Category.RETRY, reason)

    async def aclose(self) -> None:
        await self._pool.aclose()
        self._egress.close()


class Hop:
    """Sends one attempt's request to its URL, and again to each URL that a redirect names.

    `sent`: whether the last of these servers may have received the request. `deadline`: monotonic time in seconds.
    """

    def __init__(self, pool: httpcore2.AsyncConnectionPool, method: str, body: bytes | None, deadline: float) -> None:
        self.sent = False
        self._pool = pool
        self._method = method
        self._body = body
        self._deadline = deadline

    async def run(self, url: HttpUrl, headers: Mapping[str, str]) -> ReceivedReply:
        """Sends the request to `url`.

        Raises:
            RequestRejected: the request may not go there.
            One of `NO_REPLY_ERRORS`: the server did not reply.
        """
        self.sent = False
        scheme, host, port = origin(url)
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        target = httpcore2.URL(scheme=scheme.encode(), host=host.strip("[]").encode(), port=port, target=path.encode())
        host_header = host if port == DEFAULT_PORTS[scheme] else f"{host}:{port}"
        length = {} if self._body is None else {"content-length": str(len(self._body))}
        all_headers = {"host": host_header, "accept-encoding": "identity", **length, **headers}
        extensions = {"timeout": {"connect": CONNECT_TIMEOUT_SECONDS}, "trace": self._trace}
        request = httpcore2.Request(
            self._method, target, headers=list(all_headers.items()), content=self._body, extensions=extensions
        )
        try:
            async with asyncio.timeout(self._seconds_left):
                response = await self._pool.handle_async_request(request)
        except AddressForbidden:
            raise RequestRejected("address_refused") from None
        except httpcore2.LocalProtocolError:
            raise RequestRejected("malformed_request") from None
        return await self._read(response)

    async def _read(self, response: httpcore2.Response) -> ReceivedReply:
        """Reads at most `BODY_LIMIT` bytes until the deadline. A body that broke off is kept."""
        body, broken = bytearray(), ""
        try:
            async with asyncio.timeout(self._seconds_left), aclosing(response.aiter_stream()) as chunks:
                async for chunk in chunks:
                    body += chunk
                    if len(body) > BODY_LIMIT:
                        break
        except NO_REPLY_ERRORS as error:
            broken = _reason(error)
        finally:
            await response.aclose()
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in response.headers}
        truncated = bool(broken) or len(body) > BODY_LIMIT
        return ReceivedReply(response.status, headers, bytes(body[:BODY_LIMIT]), truncated, broken)

    @property
    def _seconds_left(self) -> float:
        return self._deadline - time.monotonic()

    async def _trace(self, event: str, _: Mapping[str, Any]) -> None:
        self.sent = self.sent or event == "http11.send_request_headers.started"


async def follow(request: HttpRequest, headers: Mapping[str, str], hop: Hop) -> ReceivedReply:
    """Sends a request and follows as many redirects as the request allows.

    A redirect that changes the method is followed only for GET and HEAD, so no effect is repeated.
    """
    url = request.url
    statuses = REDIRECTS if request.method in ("GET", "HEAD") else SAME_METHOD
    for _ in range(request.redirects + 1):
        received = await hop.run(url, headers)
        if not request.redirects or received.status not in statuses or received.status in request.expect:
            return received
        following = redirect_url(url, received.headers.get("location", ""))
        if origin(following) != origin(url):
            headers = {name: value for name, value in headers.items() if name in CROSS_ORIGIN_HEADERS}
        url = following
    raise RequestRejected("too_many_redirects")


class RequestRejected(Exception):
    """The request, or the redirect of a reply, is not sent. `reason`: a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def origin(url: HttpUrl) -> tuple[str, str, int]:
    """Scheme, host and port. An IPv6 address is in brackets."""
    return url.scheme, url.host or "", url.port or 0


def redirect_url(url: HttpUrl, location: str) -> HttpUrl:
    """The URL that a redirect names. Raises `RequestRejected` if the client may not follow it."""
    try:
        following = parse_url(urljoin(str(url), location))
    except ValueError:
        raise RequestRejected("bad_redirect") from None
    if following.username or following.password or not location:
        raise RequestRejected("bad_redirect")
    if (url.scheme, following.scheme) == ("https", "http"):
        raise RequestRejected("insecure_redirect")
    return following


def _reason(error: Exception) -> str:
    if isinstance(error, (TimeoutError, httpcore2.TimeoutException)):
        return "timeout"
    if isinstance(error, httpcore2.ConnectError):
        return "tls_failed" if isinstance(error.__context__, ssl.SSLError) else "not_connected"
    return "connection_lost"


def open_provider(settings: Settings, apps: Apps) -> HttpRequestClient:
    return HttpRequestClient(settings, apps)
