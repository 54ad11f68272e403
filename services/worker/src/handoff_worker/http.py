"""HTTP to providers: the connections of one pool process, which everything that is sent shares.

Import it in a module that is imported at its first use: a worker that sends nothing loads no libcurl. `SSL_CERT_FILE`
names the authorities to trust in place of the system's.
"""

import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cached_property, lru_cache
from io import BytesIO

import pycurl

from handoff_worker.providers.answers import Answer, Answered

TIMEOUT_S = 15.0  # of one exchange; FCM asks for at least 10
CONNECT_TIMEOUT_S = 5.0
REPLY_LIMIT = 64 * 1024  # bytes of a reply's body; of a longer one nothing is read
LONGEST_WAIT_S = 86_400.0  # what a Retry-After beyond it comes to
MALFORMED = {pycurl.E_URL_MALFORMAT, pycurl.E_UNSUPPORTED_PROTOCOL}


class Headers(Mapping[str, str]):
    """A reply's headers, looked up in any case. Most are never asked for, so they are read when one is."""

    def __init__(self, lines: list[bytes]) -> None:
        self._lines = lines

    def __getitem__(self, name: str) -> str:
        return self._named[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named)

    @cached_property
    def _named(self) -> dict[str, str]:
        fields = (line.decode("latin-1").partition(":") for line in self._lines)
        return {name.lower(): value.strip() for name, colon, value in fields if colon}


@dataclass(frozen=True, slots=True)
class Reply:
    """A provider's reply."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Unanswered(Exception):
    """There is no reply. `answer`: retry if nothing was sent, else unknown. Nothing of the request is in it."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.reason)
        self.answer = answer


class Client:
    """Connections: one to a host that speaks HTTP/2, else as many as are needed. No redirect is followed."""

    def __init__(self) -> None:
        self._connections: pycurl.AsyncCurlMulti | None = None
        self._idle: list[pycurl.Curl] = []

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Posts a body; no header of it shows in a repr.

        Raises:
            Unanswered: there is no reply, or not all of it.
            ValueError: the URL or a header is malformed.
        """
        lines: list[bytes] = []
        content: list[bytes] = []
        curl = self._idle.pop() if self._idle else transfer()
        curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.HTTPHEADER, [line(name, value) for name, value in headers.items()])
        # Given bytes, libcurl would send them again by itself when a connection that it has used before breaks off.
        curl.setopt(pycurl.READFUNCTION, BytesIO(body).read)
        curl.setopt(pycurl.POSTFIELDSIZE, len(body))
        curl.setopt(pycurl.HEADERFUNCTION, lines.append)
        curl.setopt(pycurl.WRITEFUNCTION, content.append)
        connections = self._connections = self._connections or pycurl.AsyncCurlMulti()
        try:
            await connections.add_handle(curl)
        except pycurl.error as error:
            if error.args[0] != pycurl.E_FILESIZE_EXCEEDED:
                raise self._failed(connections, curl, error.args[0]) from None  # the error quotes the URL
        finally:
            if connections is not self._connections and not connections.futures():
                await connections.aclose()
        self._idle.append(curl)
        return Reply(curl.getinfo(pycurl.RESPONSE_CODE), Headers(lines), b"".join(content))

    def _failed(self, connections: pycurl.AsyncCurlMulti, curl: pycurl.Curl, code: int) -> Exception:
        if code in MALFORMED:
            return ValueError("the URL is malformed")
        if not curl.getinfo(pycurl.REQUEST_SIZE):
            return Unanswered(Answer(Answered.RETRY, "not_connected"))
        if connections is self._connections:  # one is dead, or may be: what is sent from now on goes by new ones
            self._connections = None
        timed_out = code == pycurl.E_OPERATION_TIMEDOUT
        return Unanswered(Answer(Answered.UNKNOWN, "timeout" if timed_out else "connection_lost"))

    async def aclose(self) -> None:
        """Closes the connections. What is asked for later makes new ones."""
        connections, self._connections = self._connections, None
        self._idle.clear()
        if connections:
            await connections.aclose()


_client = Client()  # of this process
post, aclose = _client.post, _client.aclose


def transfer() -> pycurl.Curl:
    """A request without what differs from one to the next."""
    curl = pycurl.Curl()
    trusted = ssl.get_default_verify_paths()
    for option, value in (
        (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
        (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS),
        (pycurl.PIPEWAIT, True),  # for a connection that is being made: it may carry them all
        (pycurl.POST, True),
        (pycurl.USERAGENT, "handoff"),
        (pycurl.TIMEOUT_MS, int(TIMEOUT_S * 1000)),
        (pycurl.CONNECTTIMEOUT_MS, int(CONNECT_TIMEOUT_S * 1000)),
        (pycurl.MAXFILESIZE, REPLY_LIMIT),
        (pycurl.CAINFO, trusted.cafile),
        (pycurl.CAPATH, None if trusted.cafile else trusted.capath),
    ):
        curl.setopt(option, value)
    return curl


@lru_cache(maxsize=64)  # of thousands of sends all have the same credential
def line(name: str, value: str) -> str:
    """A header of a request."""
    written = f"{name}: {value}"
    if not (written.isascii() and written.isprintable()):
        raise ValueError("a header is malformed")
    return written


def retry_after(reply: Reply) -> float | None:
    """Seconds that the reply's Retry-After asks for, in either of its forms; none if it has no such header."""
    text = reply.headers.get("retry-after", "").strip()
    if text.isdecimal():
        return min(float(text), LONGEST_WAIT_S)
    try:
        seconds = parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT_S)
