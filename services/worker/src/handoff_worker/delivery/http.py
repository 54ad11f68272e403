"""HTTP to providers: the clients of one pool process, whose connections everything that is sent shares.

What is sent by the thousand to one host goes by `http2`. All else goes by a client for any server, and so does that
where the environment names a proxy. Import it in a module that is imported at its first use: a worker that sends
nothing has no client, and a client's threads don't survive a fork. `SSL_CERT_FILE` names the authorities to trust in
place of the system's.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from urllib.request import getproxies

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import RequestError, RequestTimeoutError

from handoff_common.deadline import TimeLimit
from handoff_http2.exchange import End, Exchange
from handoff_http2.sender import Sender
from handoff_worker.delivery.responses import Category, ProviderResponse

TIMEOUT = timedelta(seconds=15)  # of one exchange; FCM asks for at least 10
CONNECT_TIMEOUT = timedelta(seconds=5)
PING_INTERVAL, PING_TIMEOUT = timedelta(seconds=20), timedelta(seconds=10)  # a connection that went silent is dropped
REPLY_LIMIT = 64 * 1024  # bytes of a reply's body that are read
LONGEST_WAIT_SECONDS = 86_400.0  # what a Retry-After beyond it comes to
# The client's exception classes don't tell whether a request was written, only the causes in them do: a hang after it
# is a ConnectTimeoutError without the first of these.
NOT_SENT = ("client error (Connect)", "stream error received: refused stream")

_clients: dict[bool, Client] = {}


@dataclass(slots=True)  # frozen, it would take three times as long to make, and there are thousands a second
class Reply:
    """A provider's reply. Names of headers are looked up in lower case; `body` ends at `REPLY_LIMIT`."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class RequestFailed(Exception):
    """There is no reply. `response`: retry if nothing was sent, else unknown. Nothing of the request is in it."""

    def __init__(self, response: ProviderResponse) -> None:
        super().__init__(response.reason)
        self.response = response


@cache
def sender() -> Sender | None:
    """The process's sender to hosts that speak HTTP/2; none where there is a proxy, which it doesn't know."""
    if getproxies().keys() & {"http", "https", "all"}:
        return None
    return Sender(TimeLimit(TIMEOUT.total_seconds()), CONNECT_TIMEOUT.total_seconds(), REPLY_LIMIT)


def client(*, http2_only: bool = False) -> Client:
    """The process's client: never follows a redirect. `http2_only` makes one connection to a host, where the other
    one, which speaks HTTP/1.1 too, makes as many at first as it has requests.
    """
    if http2_only not in _clients:
        builder = ClientBuilder().user_agent("handoff").follow_redirects(False)
        builder = builder.timeout(TIMEOUT).connect_timeout(CONNECT_TIMEOUT)
        builder = builder.http2_keep_alive_interval(PING_INTERVAL).http2_keep_alive_timeout(PING_TIMEOUT)
        _clients[http2_only] = (builder.http2_prior_knowledge() if http2_only else builder.http2(True)).build()
    return _clients[http2_only]


async def post(url: str, headers: Mapping[str, str], body: bytes, *, http2_only: bool = False) -> Reply:
    """Posts a body; no header of it shows in a repr. `http2_only`: for a host that is known to speak it.

    Raises:
        RequestFailed: there is no reply, or not all of it.
        ValueError: the URL or a header is malformed.
    """
    if http2_only and (fast := sender()):
        return replied(await fast.post(url, headers, body))
    request = client(http2_only=http2_only).post(url).body_bytes(body)
    for name, value in headers.items():
        request = request.header(name, value, is_sensitive=True)
    try:
        async with request.build_streamed() as response:
            content = await response.body_reader.read(REPLY_LIMIT)
            return Reply(response.status, response.headers, bytes(content or b""))
    except RequestError as error:
        raise RequestFailed(unanswered(error)) from None  # the error quotes the URL, and a URL may hold a token


def replied(exchange: Exchange) -> Reply:
    """The reply, if there is one. Raises `RequestFailed`."""
    if exchange.end is End.REPLIED:
        return Reply(exchange.status, exchange.headers, exchange.body)
    if exchange.end in (End.REFUSED, End.MOVED):
        raise RequestFailed(ProviderResponse(Category.RETRY, "not_connected"))
    raise RequestFailed(
        ProviderResponse(Category.UNKNOWN, "timeout" if exchange.end is End.LATE else "connection_lost")
    )


def unanswered(error: RequestError) -> ProviderResponse:
    """What an error of the way to a provider means for what was asked for."""
    causes = [cause["message"] for cause in error.details["causes"] or ()]
    if any(cause.startswith(NOT_SENT) for cause in causes):
        return ProviderResponse(Category.RETRY, "not_connected")
    timed_out = isinstance(error, RequestTimeoutError)
    return ProviderResponse(Category.UNKNOWN, "timeout" if timed_out else "connection_lost")


def retry_after(reply: Reply) -> float | None:
    """Seconds that the reply's Retry-After asks for, in either of its forms; none if it has no such header."""
    text = reply.headers.get("retry-after", "").strip()
    if text.isdecimal():
        return min(float(text), LONGEST_WAIT_SECONDS)
    try:
        seconds = parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)


async def aclose() -> None:
    """Closes the process's connections. What is sent later makes new ones."""
    while _clients:
        await _clients.popitem()[1].close()
    fast = sender() if sender.cache_info().currsize else None
    sender.cache_clear()
    if fast:
        await fast.aclose()
