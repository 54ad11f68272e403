"""Requests to any server of the internet: bounded in redirects and in time.

It is imported when the first request is sent.
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
from handoff_worker.delivery.responses import Answered
from handoff_worker.providers.outbound.egress import Egress, EgressRefused
from handoff_worker.providers.outbound.responses import READ, Received, Responded, judge, lost
from handoff_worker.settings import Settings, parse_networks

CONNECT_SECONDS = 10.0
SAME_METHOD = {307, 308}
REDIRECTS = {301, 302, 303} | SAME_METHOD
# All that another origin is told after a redirect: any other header may be a credential.
CARRIED = {"accept", "accept-language", "content-type", "user-agent"}

# Nothing came back, or not all of it. What a broken TLS record raises is an OSError.
UNANSWERED = (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.RemoteProtocolError, OSError)

parse_url = TypeAdapter(HttpUrl).validate_python


class Outbound:
    """Sends requests through one pool of connections."""

    def __init__(self, settings: Settings) -> None:
        self._egress = Egress(parse_networks(settings.egress_allow))
        self._pool = self._egress.pool()

    async def send(self, request: HttpRequest, headers: Mapping[str, str], body: bytes | None) -> Responded:
        """Sends a request with these headers and this body, and gives what its answer, or its silence, means."""
        exchange = Exchange(self._pool, request.method, body, time.monotonic() + request.timeout)
        try:
            return judge(request, await follow(request, headers, exchange))
        except Refused as refused:
            return Responded(Answered.PAYLOAD_REJECTED, refused.reason)
        except UNANSWERED as error:
            reason = _reason(error)
            return lost(request, reason) if exchange.sent else Responded(Answered.RETRY, reason)

    async def aclose(self) -> None:
        await self._pool.aclose()
        self._egress.close()


class Exchange:
    """The request of one attempt, sent once to each place that it is redirected to. `sent`: whether it may have come to
    the last of them.
    """

    def __init__(self, pool: httpcore2.AsyncConnectionPool, method: str, body: bytes | None, deadline: float) -> None:
        self.sent = False
        self._pool = pool
        self._method = method
        self._body = body
        self._deadline = deadline

    async def run(self, url: HttpUrl, headers: Mapping[str, str]) -> Received:
        """Raises `Refused` when it may not be sent there, and one of `UNANSWERED` when it was not answered."""
        self.sent = False
        scheme, host, port = origin(url)
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        target = httpcore2.URL(scheme=scheme.encode(), host=host.strip("[]").encode(), port=port, target=path.encode())
        named = host if port == {"http": 80, "https": 443}[scheme] else f"{host}:{port}"
        length = {} if self._body is None else {"content-length": str(len(self._body))}
        whole = {"host": named, "accept-encoding": "identity", **length, **headers}
        extensions = {"timeout": {"connect": CONNECT_SECONDS}, "trace": self._trace}
        request = httpcore2.Request(
            self._method, target, headers=list(whole.items()), content=self._body, extensions=extensions
        )
        try:
            async with asyncio.timeout(self._left):
                response = await self._pool.handle_async_request(request)
        except EgressRefused:
            raise Refused("address_refused") from None
        except httpcore2.LocalProtocolError:
            raise Refused("malformed_request") from None
        return await self._read(response)

    async def _read(self, response: httpcore2.Response) -> Received:
        """Reads a body: `READ` bytes, and no longer than it may take. What has come counts, although it broke off."""
        body, broken = bytearray(), ""
        try:
            async with asyncio.timeout(self._left), aclosing(response.aiter_stream()) as chunks:
                async for chunk in chunks:
                    body += chunk
                    if len(body) > READ:
                        break
        except UNANSWERED as error:
            broken = _reason(error)
        finally:
            await response.aclose()
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in response.headers}
        return Received(response.status, headers, bytes(body[:READ]), bool(broken) or len(body) > READ, broken)

    @property
    def _left(self) -> float:
        return self._deadline - time.monotonic()

    async def _trace(self, event: str, _: Mapping[str, Any]) -> None:
        self.sent = self.sent or event == "http11.send_request_headers.started"


async def follow(request: HttpRequest, headers: Mapping[str, str], exchange: Exchange) -> Received:
    """Sends a request, and again where redirects lead, as often as it wants that.

    What changes its method is followed for GET and HEAD alone: nothing is repeated that was done.
    """
    url = request.url
    codes = REDIRECTS if request.method in ("GET", "HEAD") else SAME_METHOD
    for _ in range(request.redirects + 1):
        received = await exchange.run(url, headers)
        if not request.redirects or received.status not in codes or received.status in request.expect:
            return received
        following = redirect(url, received.headers.get("location", ""))
        if origin(following) != origin(url):
            headers = {name: value for name, value in headers.items() if name in CARRIED}
        url = following
    raise Refused("too_many_redirects")


class Refused(Exception):
    """It is not sent, or not further, and why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def origin(url: HttpUrl) -> tuple[str, str, int]:
    """Scheme, host and port. An IPv6 address is in brackets."""
    return url.scheme, url.host or "", url.port or 0


def redirect(url: HttpUrl, location: str) -> HttpUrl:
    """Where a redirect leads. Raises `Refused` when it may not be followed, before anything is looked up."""
    try:
        following = parse_url(urljoin(str(url), location))
    except ValueError:
        raise Refused("bad_redirect") from None
    if following.username or following.password or not location:
        raise Refused("bad_redirect")
    if (url.scheme, following.scheme) == ("https", "http"):
        raise Refused("insecure_redirect")
    return following


def _reason(error: Exception) -> str:
    if isinstance(error, (TimeoutError, httpcore2.TimeoutException)):
        return "timeout"
    if isinstance(error, httpcore2.ConnectError):
        return "tls_failed" if isinstance(error.__context__, ssl.SSLError) else "not_connected"
    return "connection_lost"


def open_provider(settings: Settings, apps: Apps) -> Outbound:
    return Outbound(settings)
