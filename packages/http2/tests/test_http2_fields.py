"""Header fields in HPACK. What the encoder writes, its package's decoder reads; it keeps a table, so it sees what is in
none.
"""

import logging

import pytest
from hpack import Decoder, Encoder, NeverIndexedHeaderTuple
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_http2.client import located
from handoff_http2.dialer import Server
from handoff_http2.fields import Headers, encoded
from handoff_http2.frames import Broken

SECRET = "Bearer 5ecret"


def test_a_field_is_in_no_table() -> None:
    block = encoded("Authorization", SECRET) + encoded("x-one", "1") + encoded(":method", "POST")
    decoder = Decoder()
    for _ in range(2):
        fields = list(decoder.decode(block))
        told = {str(name): str(value) for name, value in fields}
        assert told == {"authorization": SECRET, "x-one": "1", ":method": "POST"}
        assert all(isinstance(field, NeverIndexedHeaderTuple) for field in fields[:2])
    assert not decoder.header_table.dynamic_entries


def test_no_field_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        Headers().read(b"\x88" + encoded("set-cookie", SECRET + "!"))
    assert "5ecret" not in caplog.text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("", "x"),
        ("a b", "x"),
        ("a\r\nb", "x"),
        ("a:", "x"),
        ("ä", "x"),
        ("a", "x\r\ny: z"),
        ("a", "x\n"),
        ("a", " x"),
        ("a", "x "),
        ("a", "\x00"),
        ("a", "ä"),
    ],
)
def test_what_is_no_field_is_not_sent(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"^a header is malformed$"):
        encoded(name, value)


@pytest.mark.parametrize("block", [b"\xbe", b"\x88\x20", b"\x88\xff"])
def test_what_is_no_header_is_not_read(block: bytes) -> None:
    with pytest.raises(Broken):
        Headers().read(block)


@pytest.mark.parametrize("block", [b"\x0f\x0d\x01x", b"\x08\x03abc", b"\x08\x042000", b"\x08\x03099", b""])
def test_a_header_without_a_status(block: bytes) -> None:
    assert Headers().read(block)[0] == 0


def test_a_header_that_explodes_is_not_read() -> None:
    with pytest.raises(Broken):
        Headers().read(b"\x88" + encoded("x-long", "y" * 4000) * 20)


def test_values_of_old_are_read() -> None:
    assert Headers().read(b"\x88\x00\x01x\x01\xe4") == (200, {":status": "200", "x": "ä"})


FIELDS = st.lists(st.tuples(st.sampled_from(["a", "b", "date", "server"]), st.sampled_from(["", "1", "x" * 60])))


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([None, None, None, 0, 64, 4096]), FIELDS), min_size=1))
def test_a_server_may_keep_a_table(replies: list[tuple[int | None, list[tuple[str, str]]]]) -> None:
    server, headers = Encoder(), Headers()
    for size, fields in replies:
        if size is not None:
            server.header_table_size = size
        block = server.encode([(":status", "200"), *fields])
        assert headers.read(block) == (200, {":status": "200"} | dict(fields))


def test_what_is_the_same_is_read_once() -> None:
    headers, block = Headers(), b"\x20\x88" + encoded("retry-after", "7")
    headers.read(block)
    assert headers.read(block) is headers.read(block)


@pytest.mark.parametrize(
    ("url", "server", "asked"),
    [
        ("https://push.example", Server(True, "push.example", 443), ("push.example", "/")),
        ("https://push.example:8443/v1?a=b#c", Server(True, "push.example", 8443), ("push.example:8443", "/v1?a=b")),
        ("http://[::1]:80/x", Server(False, "::1", 80), ("[::1]:80", "/x")),
    ],
)
def test_where_a_url_leads(url: str, server: Server, asked: tuple[str, str]) -> None:
    found, block = located(url)
    fields = {str(name): str(value) for name, value in Decoder().decode(block)}
    assert (found, (fields[":authority"], fields[":path"])) == (server, asked)
    assert fields[":scheme"] == ("https" if server.tls else "http")


@pytest.mark.parametrize(
    "url", ["", "push.example/x", "ftp://x/", "https://", "https://x:y/", "https://x/ä", "https://x/ y"]
)
def test_what_is_no_url_leads_nowhere(url: str) -> None:
    with pytest.raises(ValueError, match=r"^(the URL|a header) is malformed$"):
        located(url)
