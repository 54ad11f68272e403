"""How a connection handles a server: the package `h2` plays it, and frames written by hand add its protocol errors."""

import asyncio

import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from handoff_http2 import connection, frames
from handoff_http2.exchange import ExchangeResult
from handoff_http2.frames import encode_frame, encode_uint32
from packages.http2.tests.http2_peer import LIMIT, Peer, PendingRequest

BLOCK = b"\x88"  # :status 200


async def test_each_request_gets_its_own_response() -> None:
    peer = Peer()
    one, other = PendingRequest(peer.client, b"one"), PendingRequest(peer.client, b"other")
    await peer.settle()
    peer.reply(3, 410, b'{"reason": "Unregistered"}', **{"apns-id": "7"})
    peer.reply(1, 200, b"fine")
    peer.flush(pieces=5)
    assert [await one.wait(), await other.wait()] == [ExchangeResult.RESPONDED, ExchangeResult.RESPONDED]
    assert (one.exchange.status, one.exchange.body) == (200, b"fine")
    assert (other.exchange.status, other.exchange.headers["apns-id"]) == (410, "7")
    assert peer.bodies == {1: b"one", 3: b"other"}
    expected = {":method": "POST", ":scheme": "https", ":authority": "push.example", ":path": "/v1/send"}
    assert peer.requests[1] == expected | {"user-agent": "handoff", "content-length": "3"}


async def test_no_request_begins_before_the_settings_arrive() -> None:
    peer = Peer({SettingCodes.MAX_CONCURRENT_STREAMS: 1})
    requests = [PendingRequest(peer.client) for _ in range(3)]
    await asyncio.sleep(0)
    assert not peer.requests
    for stream in (1, 3, 5):
        await peer.settle()
        assert max(peer.requests) == stream
        peer.reply(stream)
        peer.flush()
    assert [await each.wait() for each in requests] == [ExchangeResult.RESPONDED] * 3


async def test_settings_can_raise_the_limit_of_streams() -> None:
    peer = Peer({SettingCodes.MAX_CONCURRENT_STREAMS: 0})
    requests = [PendingRequest(peer.client) for _ in range(3)]
    await peer.settle()
    assert not peer.requests
    peer.server.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 1000})
    await peer.settle()
    assert list(peer.requests) == [1, 3, 5]
    assert not any(each.task.done() for each in requests)
    await peer.client.aclose()


async def test_a_cancelled_request_frees_its_stream() -> None:
    peer = Peer({SettingCodes.MAX_CONCURRENT_STREAMS: 1})
    one, other, third = PendingRequest(peer.client), PendingRequest(peer.client), PendingRequest(peer.client)
    await peer.settle()
    await other.cancel()
    await one.cancel()
    assert (one.exchange.result, other.exchange.result) == (ExchangeResult.CANCELLED, ExchangeResult.NOT_PROCESSED)
    await peer.settle()
    assert (peer.reset_streams, list(peer.requests)) == ([1], [1, 3])
    peer.reply(3)
    peer.flush()
    assert await third.wait() == ExchangeResult.RESPONDED


async def test_a_body_stays_within_the_flow_control_windows() -> None:
    peer = Peer({SettingCodes.INITIAL_WINDOW_SIZE: 1000}, reads=False)
    body = bytes(range(256)) * 500
    requests = [PendingRequest(peer.client, body), PendingRequest(peer.client, body)]
    await peer.settle()
    assert [len(peer.bodies[stream]) for stream in (1, 3)] == [1000, 1000]
    peer.server.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 500})  # less than the server has received
    await peer.settle()
    peer.acknowledge_data()
    await peer.settle()
    assert [len(peer.bodies[stream]) for stream in (1, 3)] == [1500, 1500]
    peer.server.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 2**20})
    await peer.settle()
    assert sum(map(len, peer.bodies.values())) == 65_535  # the connection window
    peer.reads = True
    peer.acknowledge_data()
    for _ in range(10):
        await peer.settle()
    assert peer.bodies == {1: body, 3: body}
    for stream in peer.awaiting_response:
        peer.reply(stream)
    peer.flush()
    assert [await each.wait() for each in requests] == [ExchangeResult.RESPONDED] * 2


async def test_an_empty_body_needs_no_window() -> None:
    peer = Peer({SettingCodes.INITIAL_WINDOW_SIZE: 0})
    request = PendingRequest(peer.client, b"")
    await peer.settle()
    peer.reply(1)
    peer.flush()
    assert await request.wait() == ExchangeResult.RESPONDED


async def test_a_response_can_arrive_before_the_whole_request_is_sent() -> None:
    peer = Peer({SettingCodes.INITIAL_WINDOW_SIZE: 10})
    request = PendingRequest(peer.client, b"x" * 1000)
    await peer.settle()
    peer.reply(1, 413, b"too large")
    peer.flush()
    assert await request.wait() == ExchangeResult.RESPONDED
    assert (request.exchange.status, request.exchange.body) == (413, b"too large")
    await peer.settle()
    assert peer.reset_streams == [1]


async def test_a_long_response_body_is_cut() -> None:
    peer = Peer()
    request = PendingRequest(peer.client)
    await peer.settle()
    peer.server.send_headers(1, [(":status", "500")])
    for _ in range(5):
        peer.server.send_data(1, b"x" * 16_000)
    peer.flush()
    assert await request.wait() == ExchangeResult.RESPONDED
    assert request.exchange.body == b"x" * LIMIT
    await peer.settle()
    assert peer.reset_streams == [1]


async def test_informational_responses_and_trailers_are_ignored() -> None:
    peer = Peer()
    request = PendingRequest(peer.client)
    await peer.settle()
    peer.server.send_headers(1, [(":status", "103"), ("link", "</style.css>")])
    peer.server.send_headers(1, [(":status", "200"), ("retry-after", "7")])
    peer.server.send_data(1, b"body", pad_length=20)
    peer.server.send_headers(1, [("digest", "abc")], end_stream=True)
    peer.flush(pieces=7)
    assert await request.wait() == ExchangeResult.RESPONDED
    assert (request.exchange.status, request.exchange.body) == (200, b"body")
    assert request.exchange.headers == {":status": "200", "retry-after": "7"}


async def test_continuation_frames_extend_a_header() -> None:
    peer = Peer()
    request = PendingRequest(peer.client)
    await peer.settle()
    long = {f"x-{number}": "y" * 4000 for number in range(12)}
    peer.reply(1, 200, b"", **long)
    peer.flush(pieces=1000)
    assert await request.wait() == ExchangeResult.RESPONDED
    assert request.exchange.headers == {":status": "200"} | long


@pytest.mark.parametrize(
    ("code", "end"),
    [
        (ErrorCodes.REFUSED_STREAM, ExchangeResult.NOT_PROCESSED),
        (ErrorCodes.CANCEL, ExchangeResult.UNKNOWN),
        (ErrorCodes.INTERNAL_ERROR, ExchangeResult.UNKNOWN),
    ],
)
async def test_the_error_code_of_rst_stream_decides_the_result(code: ErrorCodes, end: ExchangeResult) -> None:
    peer = Peer()
    request, other = PendingRequest(peer.client), PendingRequest(peer.client)
    await peer.settle()
    peer.server.reset_stream(1, code)
    peer.reply(3)
    peer.flush()
    assert [await request.wait(), await other.wait()] == [end, ExchangeResult.RESPONDED]


async def test_goaway_ends_the_streams_that_the_server_did_not_process() -> None:
    peer = Peer({SettingCodes.MAX_CONCURRENT_STREAMS: 3})
    done, lost, not_processed, waiting = [PendingRequest(peer.client) for _ in range(4)]
    await peer.settle()
    peer.server.close_connection(last_stream_id=3)
    received = peer.server.data_to_send()
    peer.client.data_received(encode_frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, 1, BLOCK) + received)
    assert [await done.wait(), await not_processed.wait(), await waiting.wait()] == [
        ExchangeResult.RESPONDED,
        ExchangeResult.RETRY_ELSEWHERE,
        ExchangeResult.RETRY_ELSEWHERE,
    ]
    assert not peer.client.usable
    assert not peer.closed  # one stream may still get its response
    assert await PendingRequest(peer.client).wait() == ExchangeResult.RETRY_ELSEWHERE
    peer.close()
    assert await lost.wait() == ExchangeResult.UNKNOWN


async def test_a_server_can_not_refuse_a_request_that_it_began_to_answer() -> None:
    peer = Peer()
    hinted, half = PendingRequest(peer.client), PendingRequest(peer.client)
    await peer.settle()
    peer.server.send_headers(1, [(":status", "103")])
    peer.server.send_headers(3, [(":status", "200")])
    peer.server.reset_stream(3, ErrorCodes.REFUSED_STREAM)
    peer.server.close_connection(last_stream_id=0)
    peer.flush()
    assert [await hinted.wait(), await half.wait()] == [ExchangeResult.UNKNOWN, ExchangeResult.UNKNOWN]


async def test_a_lost_connection_leaves_open_requests_unknown() -> None:
    peer = Peer({SettingCodes.MAX_CONCURRENT_STREAMS: 1})
    begun, waiting = PendingRequest(peer.client), PendingRequest(peer.client)
    await peer.settle()
    peer.close()
    assert [await begun.wait(), await waiting.wait()] == [ExchangeResult.UNKNOWN, ExchangeResult.RETRY_ELSEWHERE]
    assert not peer.client.usable


async def test_a_connection_that_closes_before_the_settings() -> None:
    peer = Peer()
    request = PendingRequest(peer.client)
    await asyncio.sleep(0)
    peer.close()
    assert await request.wait() == ExchangeResult.NOT_PROCESSED
    await peer.client.ready
    assert not peer.client.settings_received


async def test_no_request_begins_while_the_write_buffer_is_full() -> None:
    peer = Peer()
    peer.flush()
    peer.client.pause_writing()
    request = PendingRequest(peer.client)
    await peer.settle()
    assert not peer.requests
    peer.client.resume_writing()
    await peer.settle()
    peer.reply(1)
    peer.flush()
    assert await request.wait() == ExchangeResult.RESPONDED


async def test_a_ping_is_acknowledged() -> None:
    peer = Peer()
    peer.flush()
    peer.server.ping(b"12345678")
    await peer.settle()
    assert peer.ping_acks == 1


async def test_a_silent_server_gets_a_ping_before_the_connection_aborts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PING_AFTER_SECONDS", 0.05)
    peer = Peer()
    peer.flush()
    request = PendingRequest(peer.client)
    assert await request.wait() == ExchangeResult.UNKNOWN
    assert peer.pings == 1


async def test_a_server_that_answers_pings_keeps_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PING_AFTER_SECONDS", 0.1)
    peer = Peer()
    request = PendingRequest(peer.client)
    while not peer.closed and peer.pings < 3:
        await peer.settle()  # the server acknowledges a ping in the next loop turn, before any timer
    peer.reply(1)
    peer.flush()
    assert await request.wait() == ExchangeResult.RESPONDED


async def test_a_server_that_ignores_a_ping_loses_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PING_AFTER_SECONDS", 0.1)
    peer = Peer()
    request = PendingRequest(peer.client)
    await peer.settle()
    await request.cancel()
    assert request.exchange.result == ExchangeResult.CANCELLED
    await asyncio.wait_for(peer.client.closed, 10)  # the ping stays due although no request is open
    assert not peer.client.usable


async def test_an_idle_connection_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    peer = Peer()
    usable = [peer.client.usable]
    monkeypatch.setattr(connection, "MAX_IDLE_SECONDS", 0.0)
    usable.append(peer.client.usable)
    request = PendingRequest(peer.client)
    await peer.settle()
    usable.append(peer.client.usable)
    peer.reply(1)
    peer.flush()
    assert await request.wait() == ExchangeResult.RESPONDED
    usable.append(peer.client.usable)
    assert usable == [True, False, True, False]


EMPTY_SETTINGS = encode_frame(frames.SETTINGS, 0, 0)
HEADERS, DATA, PUSH = frames.HEADERS, frames.DATA, frames.PUSH_PROMISE


@pytest.mark.parametrize(
    ("received", "code"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", frames.FRAME_SIZE_ERROR),
        (encode_frame(frames.PING, 0, 0, b"12345678"), frames.PROTOCOL_ERROR),
        (EMPTY_SETTINGS + encode_frame(frames.PING, 0, 0, b"123"), frames.FRAME_SIZE_ERROR),
        (EMPTY_SETTINGS + encode_frame(frames.GOAWAY, 0, 0, b"123"), frames.FRAME_SIZE_ERROR),
        (
            EMPTY_SETTINGS + encode_frame(frames.GOAWAY, 0, 1, encode_uint32(0) + encode_uint32(0)),
            frames.FRAME_SIZE_ERROR,
        ),
        (encode_frame(frames.SETTINGS, 0, 0, b"12345"), frames.FRAME_SIZE_ERROR),
        (encode_frame(frames.SETTINGS, 0, 0, b"\x00\x04\xff\xff\xff\xff"), frames.FLOW_CONTROL_ERROR),
        (EMPTY_SETTINGS + encode_frame(DATA, 0, 1, b"x"), frames.PROTOCOL_ERROR),
        (EMPTY_SETTINGS + encode_frame(DATA, frames.PADDED, 1, b"\x05abc"), frames.PROTOCOL_ERROR),
        (EMPTY_SETTINGS + encode_frame(HEADERS, frames.END_HEADERS, 2, BLOCK), frames.PROTOCOL_ERROR),
        (EMPTY_SETTINGS + encode_frame(HEADERS, frames.END_HEADERS, 99, BLOCK), frames.PROTOCOL_ERROR),
        (EMPTY_SETTINGS + encode_frame(HEADERS, frames.END_HEADERS, 1, b"\xbe"), frames.COMPRESSION_ERROR),
        (EMPTY_SETTINGS + encode_frame(HEADERS, frames.END_HEADERS, 1, b"\x0f\x0d\x01x"), frames.PROTOCOL_ERROR),
        (EMPTY_SETTINGS + encode_frame(HEADERS, 0, 1, BLOCK) + encode_frame(DATA, 0, 1), frames.PROTOCOL_ERROR),
        (EMPTY_SETTINGS + encode_frame(frames.CONTINUATION, frames.END_HEADERS, 1, BLOCK), frames.PROTOCOL_ERROR),
        (
            EMPTY_SETTINGS
            + encode_frame(HEADERS, 0, 1, BLOCK)
            + 5 * encode_frame(frames.CONTINUATION, 0, 1, b"\x88" * 16_384),
            frames.ENHANCE_YOUR_CALM,
        ),
        (EMPTY_SETTINGS + encode_frame(PUSH, frames.END_HEADERS, 1, encode_uint32(2) + BLOCK), frames.PROTOCOL_ERROR),
        (EMPTY_SETTINGS + encode_frame(frames.WINDOW_UPDATE, 0, 0, encode_uint32(0)), frames.PROTOCOL_ERROR),
        (
            EMPTY_SETTINGS + encode_frame(frames.WINDOW_UPDATE, 0, 1, encode_uint32(frames.MAX_UINT31)),
            frames.FLOW_CONTROL_ERROR,
        ),
        (
            EMPTY_SETTINGS + encode_frame(frames.WINDOW_UPDATE, 0, 0, encode_uint32(frames.MAX_UINT31)),
            frames.FLOW_CONTROL_ERROR,
        ),
    ],
)
async def test_a_protocol_error_ends_the_connection_with_goaway(received: bytes, code: int) -> None:
    peer = Peer()
    request = PendingRequest(peer.client)
    await asyncio.sleep(0)
    if begun := received.startswith(EMPTY_SETTINGS):
        peer.client.data_received(EMPTY_SETTINGS)
    peer.client.data_received(received.removeprefix(EMPTY_SETTINGS))
    assert await request.wait() == (ExchangeResult.UNKNOWN if begun else ExchangeResult.NOT_PROCESSED)
    await peer.settle()
    assert peer.goaway_code == code
    assert peer.closed


async def test_unknown_and_priority_frames_are_ignored() -> None:
    peer = Peer()
    request = PendingRequest(peer.client)
    await peer.settle()
    peer.client.data_received(encode_frame(0xFE, 0xFF, 1, b"?") + encode_frame(0x2, 0, 1, b"12345"))
    flags = frames.END_HEADERS | frames.PRIORITY | frames.PADDED
    peer.client.data_received(encode_frame(HEADERS, flags, 1, b"\x01" + bytes(5) + BLOCK + b"."))
    peer.client.data_received(encode_frame(DATA, frames.END_STREAM, 1, b"fine"))
    assert await request.wait() == ExchangeResult.RESPONDED
    assert request.exchange.body == b"fine"


async def test_a_connection_drains_when_stream_ids_run_out() -> None:
    peer = Peer()
    peer.client._requests._next_stream_id = frames.MAX_UINT31
    last, other = PendingRequest(peer.client), PendingRequest(peer.client)
    await peer.settle()
    peer.reply(frames.MAX_UINT31)
    peer.flush()
    assert [await last.wait(), await other.wait()] == [ExchangeResult.RESPONDED, ExchangeResult.RETRY_ELSEWHERE]
    assert not peer.client.usable
