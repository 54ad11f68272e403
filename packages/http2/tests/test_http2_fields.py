"""Header fields in HPACK, checked against the decoder and the encoder of the package `hpack`, which use a table."""

import logging

import pytest
from hpack import Decoder, Encoder, NeverIndexedHeaderTuple
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_http2.client import parse_url
from handoff_http2.dialer import Origin
from handoff_http2.fields import HeaderDecoder, encode_field
from handoff_http2.frames import ProtocolError

SECRET = "Bearer 5ecret"


def test_a_field_enters_no_table() -> None:
    block = encode_field("Authorization", SECRET) + encode_field("x-one", "1") + encode_field(":method", "POST")
    decoder = Decoder()
    for _ in range(2):
        fields = list(decoder.decode(block))
        named = {str(name): str(value) for name, value in fields}
        assert named == {"authorization": SECRET, "x-one": "1", ":method": "POST"}
        assert all(isinstance(field, NeverIndexedHeaderTuple) for field in fields[:2])
    assert not decoder.header_table.dynamic_entries


def test_no_field_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        HeaderDecoder().decode(b"\x88" + encode_field("set-cookie", SECRET + "!"))
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
def test_a_malformed_field_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"^a header is malformed$"):
        encode_field(name, value)


@pytest.mark.parametrize("block", [b"\xbe", b"\x88\x20", b"\x88\xff"])
def test_a_malformed_header_block_is_a_protocol_error(block: bytes) -> None:
    with pytest.raises(ProtocolError):
        HeaderDecoder().decode(block)


@pytest.mark.parametrize("block", [b"\x0f\x0d\x01x", b"\x08\x03abc", b"\x08\x042000", b"\x08\x03099", b""])
def test_a_header_without_a_valid_status_has_status_0(block: bytes) -> None:
    assert HeaderDecoder().decode(block)[0] == 0


def test_a_header_that_expands_too_far_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError):
        HeaderDecoder().decode(b"\x88" + encode_field("x-long", "y" * 4000) * 20)


def test_latin_1_values_are_decoded() -> None:
    assert HeaderDecoder().decode(b"\x88\x00\x01x\x01\xe4") == (200, {":status": "200", "x": "ä"})


FIELDS = st.lists(st.tuples(st.sampled_from(["a", "b", "date", "server"]), st.sampled_from(["", "1", "x" * 60])))


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([None, None, None, 0, 64, 4096]), FIELDS), min_size=1))
def test_a_server_can_use_a_dynamic_table(responses: list[tuple[int | None, list[tuple[str, str]]]]) -> None:
    server, decoder = Encoder(), HeaderDecoder()
    for size, fields in responses:
        if size is not None:
            server.header_table_size = size
        block = server.encode([(":status", "200"), *fields])
        assert decoder.decode(block) == (200, {":status": "200"} | dict(fields))


def test_a_repeated_header_block_is_decoded_once() -> None:
    decoder, block = HeaderDecoder(), b"\x20\x88" + encode_field("retry-after", "7")
    decoder.decode(block)
    assert decoder.decode(block) is decoder.decode(block)


@pytest.mark.parametrize(
    ("url", "origin", "target"),
    [
        ("https://push.example", Origin(True, "push.example", 443), ("push.example", "/")),
        ("https://push.example:8443/v1?a=b#c", Origin(True, "push.example", 8443), ("push.example:8443", "/v1?a=b")),
        ("http://[::1]:80/x", Origin(False, "::1", 80), ("[::1]:80", "/x")),
    ],
)
def test_a_url_gives_its_origin_and_fields(url: str, origin: Origin, target: tuple[str, str]) -> None:
    found, block = parse_url(url)
    fields = {str(name): str(value) for name, value in Decoder().decode(block)}
    assert (found, (fields[":authority"], fields[":path"])) == (origin, target)
    assert fields[":scheme"] == ("https" if origin.tls else "http")


@pytest.mark.parametrize(
    "url", ["", "push.example/x", "ftp://x/", "https://", "https://x:y/", "https://x/ä", "https://x/ y"]
)
def test_a_malformed_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"^(the URL|a header) is malformed$"):
        parse_url(url)
