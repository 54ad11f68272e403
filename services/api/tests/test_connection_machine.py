"""A client sends any prefix of any requests in any segments, then stops, half-closes, closes or resets."""

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_api.connection import CLOSED
from services.api.tests.wire import Client, Lab, run, turns, until

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAAA\r\n"


@dataclass(frozen=True)
class Sent:
    """A request as bytes, and the method, path and body that the server must read from it."""

    method: str
    path: str
    head: bytes
    rest: bytes  # the body with its framing
    body: bytes  # the body without

    @property
    def status(self) -> int:
        return 401 if self.path == "/early" else 200


@st.composite
def requests(draw: st.DrawFn) -> Sent:
    method = draw(st.sampled_from(["GET", "POST", "DELETE"]))
    path = draw(st.sampled_from(["/echo", "/echo", "/early"]))
    head = b"%s %s HTTP/1.1\r\nHost: x\r\n%s" % (
        method.encode(),
        path.encode(),
        draw(st.sampled_from([b"", UPGRADE, b"Expect: 100-continue\r\n"])),
    )
    body = draw(st.sampled_from([b"", b"a", HIDDEN, HIDDEN * 3, b"\r\n" * 5]))
    framing = draw(st.sampled_from(["none", "length", "chunked"] if not body else ["length", "chunked"]))
    if framing == "none":
        return Sent(method, path, head + b"\r\n", b"", b"")
    if framing == "length":
        return Sent(method, path, head + b"Content-Length: %d\r\n\r\n" % len(body), body, body)
    size = draw(st.integers(1, 50))
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    rest = b"".join(b"%x;a=b\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n"
    rest += draw(st.sampled_from([b"", b"Authorization: Bearer x\r\n"])) + b"\r\n"
    return Sent(method, path, head + b"Transfer-Encoding: chunked\r\n\r\n", rest, body)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[list[Sent], list[bytes], int]:
    """The requests, the segments that are sent, and how many bytes these are in all."""
    sent = draw(st.lists(requests(), max_size=5))
    whole = b"".join(request.head + request.rest for request in sent)
    length = draw(st.one_of(st.just(len(whole)), st.integers(0, len(whole))))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, length - 1)), max_size=6)))
    cuts = [cut for cut in cuts if cut < length]
    segments = [whole[start:stop] for start, stop in zip([0, *cuts], [*cuts, length], strict=True)]
    return sent, [segment for segment in segments if segment], length


@settings(max_examples=300, deadline=None)
@given(
    conversation=conversations(),
    end=st.sampled_from(["stop", "empty line", "half-close", "close", "reset"]),
    held=st.booleans(),
    reads=st.booleans(),
)
def test_any_input_is_answered_correctly(
    conversation: tuple[list[Sent], list[bytes], int], end: str, held: bool, reads: bool
) -> None:
    sent, segments, length = conversation
    whole, part = complete(sent, length)

    async def scenario(lab: Lab) -> None:
        if held:
            lab.app.gate.clear()
        async with lab.client() as client:
            if reads:
                client.read()
            for segment in segments:
                await client.send(segment)
            await turns()
            await leave(client, end, empty_line=part is None)
            lab.app.gate.set()
            if end in ("close", "reset"):
                await until(lambda: client.protocol.state is CLOSED)
            await client.end()
        check_requests(lab, whole, part)
        if reads and end not in ("close", "reset"):
            check_answers(client.answers.statuses, whole, part, ended=end == "half-close")

    run(scenario)


async def leave(client: Client, end: str, *, empty_line: bool) -> None:
    if end == "empty line" and empty_line:
        await client.send(b"\r\n")
    elif end == "half-close":
        client.half_close()
    elif end in ("close", "reset"):
        await client.close(reset=end == "reset")


def complete(sent: list[Sent], length: int) -> tuple[list[Sent], tuple[Sent, bool] | None]:
    """The requests of which every byte is among the first `length`, and the next one with whether its head is."""
    whole: list[Sent] = []
    for request in sent:
        size = len(request.head) + len(request.rest)
        if size > length:
            return whole, (request, len(request.head) <= length) if length else None
        whole.append(request)
        length -= size
    return whole, None


def check_requests(lab: Lab, whole: list[Sent], part: tuple[Sent, bool] | None) -> None:
    """The application read the bodies that were sent, in order, and nothing else."""
    expected = [(request.method, request.path, b"" if request.path == "/early" else request.body) for request in whole]
    if part is not None and part[1] and part[0].path == "/early":
        expected.append((part[0].method, "/early", b""))
    assert lab.app.requests == expected[: len(lab.app.requests)]
    assert not any(b"authorization" in fields for fields in lab.app.fields)


def check_answers(statuses: list[int], whole: list[Sent], part: tuple[Sent, bool] | None, *, ended: bool) -> None:
    """Every complete request was answered in order; an incomplete one at most once, after them."""
    statuses = [status for status in statuses if status != 100]
    answered, last = statuses[: len(whole)], statuses[len(whole) :]
    assert answered == [request.status for request in whole]
    if ended:
        assert last in ([], [401])
    elif part is None:
        assert last == ([] if whole else [408])
    else:
        request, has_head = part
        assert last == ([401] if has_head and request.path == "/early" else [408])
