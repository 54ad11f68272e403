"""HTTP to providers. All sends of one pool process share its clients' connections.

Sends by the thousand to one host go through `handoff_http2`. Everything else goes through a general client, as do all
sends where the environment names a proxy. Import this module only at the first send: a client's threads don't survive
a fork. `SSL_CERT_FILE` names the certificate authorities to trust instead of the system's.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from urllib.request import getproxies

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import RequestError, RequestTimeoutError

from handoff_common.deadline import Deadline
from handoff_http2.client import Http2Client
from handoff_http2.exchange import Exchange, ExchangeResult
from handoff_worker.delivery.responses import Category, ProviderResponse
from handoff_worker.delivery.retry_after import parse_retry_after

TIMEOUT = timedelta(seconds=15)  # of one exchange; FCM asks for at least 10
CONNECT_TIMEOUT = timedelta(seconds=5)
PING_INTERVAL, PING_TIMEOUT = timedelta(seconds=20), timedelta(seconds=10)  # finds connections that went silent
REPLY_LIMIT = 64 * 1024  # bytes of a reply's body that are read
# Only the causes in the client's exceptions show whether a request was written: a timeout after that is a
# ConnectTimeoutError without the first of these causes.
NOT_SENT_CAUSES = ("client error (Connect)", "stream error received: refused stream")

_clients: dict[bool, Client] = {}


@dataclass(slots=True)  # a frozen one takes three times as long to create, and there are thousands a second
class Reply:
    """A provider's HTTP reply. Look headers up in lower case. `body` is cut at `REPLY_LIMIT`."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def retry_after(self) -> float | None:
        """The seconds of the `Retry-After` header, or None."""
        return parse_retry_after(self.headers.get("retry-after", ""), time.time())


class RequestFailed(Exception):
    """There is no usable reply. `response` is `retry` if nothing was sent, else `unknown`. It quotes no request."""

    def __init__(self, response: ProviderResponse) -> None:
        super().__init__(response.reason)
        self.response = response


@cache
def http2_client() -> Http2Client | None:
    """The process's HTTP/2 client, or None where the environment names a proxy, which it does not support."""
    if getproxies().keys() & {"http", "https", "all"}:
        return None
    return Http2Client(Deadline(TIMEOUT.total_seconds()), CONNECT_TIMEOUT.total_seconds(), REPLY_LIMIT)


def client(*, http2_only: bool = False) -> Client:
    """The process's general client, which follows no redirect.

    With `http2_only` it makes one connection a host. Otherwise it also speaks HTTP/1.1, and its first requests to a
    host open a connection each.
    """
    if http2_only not in _clients:
        builder = ClientBuilder().user_agent("handoff").follow_redirects(False)
        builder = builder.timeout(TIMEOUT).connect_timeout(CONNECT_TIMEOUT)
        builder = builder.http2_keep_alive_interval(PING_INTERVAL).http2_keep_alive_timeout(PING_TIMEOUT)
        _clients[http2_only] = (builder.http2_prior_knowledge() if http2_only else builder.http2(True)).build()
    return _clients[http2_only]


async def post(url: str, headers: Mapping[str, str], body: bytes, *, http2_only: bool = False) -> Reply:
    """Posts a body and returns the reply. `http2_only`: the host is known to speak HTTP/2.

    Raises:
        RequestFailed: there is no reply, or only a part of one.
        ValueError: the URL or a header is malformed.
    """
    if http2_only and (sender := http2_client()):
        return read_exchange(await sender.post(url, headers, body))
    request = client(http2_only=http2_only).post(url).body_bytes(body)
    for name, value in headers.items():
        request = request.header(name, value, is_sensitive=True)
    try:
        async with request.build_streamed() as response:
            content = await response.body_reader.read(REPLY_LIMIT)
            return Reply(response.status, response.headers, bytes(content or b""))
    except RequestError as error:
        raise RequestFailed(categorize_error(error)) from None  # the error quotes the URL, which may hold a token


def read_exchange(exchange: Exchange) -> Reply:
    """The reply of an HTTP/2 exchange. Raises `RequestFailed` if there is none."""
    if exchange.result is ExchangeResult.RESPONDED:
        return Reply(exchange.status, exchange.headers, exchange.body)
    if exchange.result in (ExchangeResult.NOT_PROCESSED, ExchangeResult.RETRY_ELSEWHERE):
        raise RequestFailed(ProviderResponse(Category.RETRY, "not_connected"))
    reason = "timeout" if exchange.result is ExchangeResult.CANCELLED else "connection_lost"
    raise RequestFailed(ProviderResponse(Category.UNKNOWN, reason))


def categorize_error(error: RequestError) -> ProviderResponse:
    """The response for a request that got no reply: `unknown` if the request may have been written."""
    causes = [cause["message"] for cause in error.details["causes"] or ()]
    if any(cause.startswith(NOT_SENT_CAUSES) for cause in causes):
        return ProviderResponse(Category.RETRY, "not_connected")
    timed_out = isinstance(error, RequestTimeoutError)
    return ProviderResponse(Category.UNKNOWN, "timeout" if timed_out else "connection_lost")


async def aclose() -> None:
    """Closes the process's connections. A later send opens new ones."""
    while _clients:
        await _clients.popitem()[1].close()
    sender = http2_client() if http2_client.cache_info().currsize else None
    http2_client.cache_clear()
    if sender:
        await sender.aclose()
