"""What a connection makes of what a server says: the package `h2`, and frames that it would not write."""

import asyncio

import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from handoff_http2 import connection, frames
from handoff_http2.exchange import End
from handoff_http2.frames import frame, number
from packages.http2.tests.http2_peer import LIMIT, Asking, Peer

BLOCK = b"\x88"  # :status 200


async def test_a_reply_is_to_its_request() -> None:
    peer = Peer()
    one, other = Asking(peer.client, b"one"), Asking(peer.client, b"other")
    await peer.settle()
    peer.reply(3, 410, b'{"reason": "Unregistered"}', **{"apns-id": "7"})
    peer.reply(1, 200, b"fine")
    peer.say(pieces=5)
    assert [await one.end(), await other.end()] == [End.REPLIED, End.REPLIED]
    assert (one.exchange.status, one.exchange.body) == (200, b"fine")
    assert (other.exchange.status, other.exchange.headers["apns-id"]) == (410, "7")
    assert peer.bodies == {1: b"one", 3: b"other"}
    told = {":method": "POST", ":scheme": "https", ":authority": "push.example", ":path": "/v1/send"}
    assert peer.asked[1] == told | {"user-agent": "handoff", "content-length": "3"}


async def test_nothing_begins_before_the_server_has_told_what_it_takes() -> None:
    peer = Peer({SettingCodes.MAX_CONCURRENT_STREAMS: 1})
    asked = [Asking(peer.client) for _ in range(3)]
    await asyncio.sleep(0)
    assert not peer.asked
    for stream in (1, 3, 5):
        await peer.settle()
        assert max(peer.asked) == stream
        peer.reply(stream)
        peer.say()
    assert [await each.end() for each in asked] == [End.REPLIED] * 3


async def test_a_server_may_take_more_later() -> None:
    peer = Peer({SettingCodes.MAX_CONCURRENT_STREAMS: 0})
    asked = [Asking(peer.client) for _ in range(3)]
    await peer.settle()
    assert not peer.asked
    peer.server.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 1000})
    await peer.settle()
    assert list(peer.asked) == [1, 3, 5]
    assert not any(each.task.done() for each in asked)
    await peer.client.aclose()


async def test_what_was_given_up_leaves_its_place() -> None:
    peer = Peer({SettingCodes.MAX_CONCURRENT_STREAMS: 1})
    one, other, third = Asking(peer.client), Asking(peer.client), Asking(peer.client)
    await peer.settle()
    await other.give_up()
    await one.give_up()
    assert (one.exchange.end, other.exchange.end) == (End.LATE, End.REFUSED)
    await peer.settle()
    assert (peer.given_up, list(peer.asked)) == ([1], [1, 3])
    peer.reply(3)
    peer.say()
    assert await third.end() == End.REPLIED


async def test_a_body_goes_out_as_there_is_room() -> None:
    peer = Peer({SettingCodes.INITIAL_WINDOW_SIZE: 1000}, reads=False)
    body = bytes(range(256)) * 500
    asked = [Asking(peer.client, body), Asking(peer.client, body)]
    await peer.settle()
    assert [len(peer.bodies[stream]) for stream in (1, 3)] == [1000, 1000]
    peer.server.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 500})  # less than it has taken
    await peer.settle()
    peer.read()
    await peer.settle()
    assert [len(peer.bodies[stream]) for stream in (1, 3)] == [1500, 1500]
    peer.server.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 2**20})
    await peer.settle()
    assert sum(map(len, peer.bodies.values())) == 65_535  # of all together
    peer.reads = True
    peer.read()
    for _ in range(10):
        await peer.settle()
    assert peer.bodies == {1: body, 3: body}
    for stream in peer.whole:
        peer.reply(stream)
    peer.say()
    assert [await each.end() for each in asked] == [End.REPLIED] * 2


async def test_an_empty_body_needs_no_room() -> None:
    peer = Peer({SettingCodes.INITIAL_WINDOW_SIZE: 0})
    asked = Asking(peer.client, b"")
    await peer.settle()
    peer.reply(1)
    peer.say()
    assert await asked.end() == End.REPLIED


async def test_a_reply_may_come_before_the_request_is_read() -> None:
    peer = Peer({SettingCodes.INITIAL_WINDOW_SIZE: 10})
    asked = Asking(peer.client, b"x" * 1000)
    await peer.settle()
    peer.reply(1, 413, b"too large")
    peer.say()
    assert await asked.end() == End.REPLIED
    assert (asked.exchange.status, asked.exchange.body) == (413, b"too large")
    await peer.settle()
    assert peer.given_up == [1]


async def test_a_long_reply_is_cut() -> None:
    peer = Peer()
    asked = Asking(peer.client)
    await peer.settle()
    peer.server.send_headers(1, [(":status", "500")])
    for _ in range(5):
        peer.server.send_data(1, b"x" * 16_000)
    peer.say()
    assert await asked.end() == End.REPLIED
    assert asked.exchange.body == b"x" * LIMIT
    await peer.settle()
    assert peer.given_up == [1]


async def test_hints_and_trailers_are_not_the_reply() -> None:
    peer = Peer()
    asked = Asking(peer.client)
    await peer.settle()
    peer.server.send_headers(1, [(":status", "103"), ("link", "</style.css>")])
    peer.server.send_headers(1, [(":status", "200"), ("retry-after", "7")])
    peer.server.send_data(1, b"body", pad_length=20)
    peer.server.send_headers(1, [("digest", "abc")], end_stream=True)
    peer.say(pieces=7)
    assert await asked.end() == End.REPLIED
    assert (asked.exchange.status, asked.exchange.body) == (200, b"body")
    assert asked.exchange.headers == {":status": "200", "retry-after": "7"}


async def test_a_long_header_comes_in_pieces() -> None:
    peer = Peer()
    asked = Asking(peer.client)
    await peer.settle()
    long = {f"x-{number}": "y" * 4000 for number in range(12)}
    peer.reply(1, 200, b"", **long)
    peer.say(pieces=1000)
    assert await asked.end() == End.REPLIED
    assert asked.exchange.headers == {":status": "200"} | long


@pytest.mark.parametrize(
    ("code", "end"),
    [(ErrorCodes.REFUSED_STREAM, End.REFUSED), (ErrorCodes.CANCEL, End.LOST), (ErrorCodes.INTERNAL_ERROR, End.LOST)],
)
async def test_a_stream_that_is_reset(code: ErrorCodes, end: End) -> None:
    peer = Peer()
    asked, other = Asking(peer.client), Asking(peer.client)
    await peer.settle()
    peer.server.reset_stream(1, code)
    peer.reply(3)
    peer.say()
    assert [await asked.end(), await other.end()] == [end, End.REPLIED]


async def test_a_server_that_goes_away_says_what_it_did() -> None:
    peer = Peer({SettingCodes.MAX_CONCURRENT_STREAMS: 3})
    done, lost, not_done, waiting = [Asking(peer.client) for _ in range(4)]
    await peer.settle()
    peer.server.close_connection(last_stream_id=3)
    said = peer.server.data_to_send()
    peer.client.data_received(frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, 1, BLOCK) + said)
    assert [await done.end(), await not_done.end(), await waiting.end()] == [End.REPLIED, End.MOVED, End.MOVED]
    assert not peer.client.usable
    assert not peer.closed  # for there is one that may have its reply
    assert await Asking(peer.client).end() == End.MOVED
    peer.close()
    assert await lost.end() == End.LOST


async def test_a_server_that_says_so_of_what_it_has_begun() -> None:
    peer = Peer()
    hinted, half = Asking(peer.client), Asking(peer.client)
    await peer.settle()
    peer.server.send_headers(1, [(":status", "103")])
    peer.server.send_headers(3, [(":status", "200")])
    peer.server.reset_stream(3, ErrorCodes.REFUSED_STREAM)
    peer.server.close_connection(last_stream_id=0)
    peer.say()
    assert [await hinted.end(), await half.end()] == [End.LOST, End.LOST]


async def test_a_lost_connection() -> None:
    peer = Peer({SettingCodes.MAX_CONCURRENT_STREAMS: 1})
    begun, waiting = Asking(peer.client), Asking(peer.client)
    await peer.settle()
    peer.close()
    assert [await begun.end(), await waiting.end()] == [End.LOST, End.MOVED]
    assert not peer.client.usable


async def test_a_connection_that_was_never_good() -> None:
    peer = Peer()
    asked = Asking(peer.client)
    await asyncio.sleep(0)
    peer.close()
    assert await asked.end() == End.REFUSED
    await peer.client.ready
    assert not peer.client.settled


async def test_slow_networks_are_waited_for() -> None:
    peer = Peer()
    peer.say()
    peer.client.pause_writing()
    asked = Asking(peer.client)
    await peer.settle()
    assert not peer.asked
    peer.client.resume_writing()
    await peer.settle()
    peer.reply(1)
    peer.say()
    assert await asked.end() == End.REPLIED


async def test_a_ping_is_answered() -> None:
    peer = Peer()
    peer.say()
    peer.server.ping(b"12345678")
    await peer.settle()
    assert peer.answered == 1


async def test_a_silent_server_is_asked_for_a_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LOOK_SECONDS", 0.05)
    peer = Peer()
    peer.say()
    asked = Asking(peer.client)
    assert await asked.end() == End.LOST
    assert peer.pinged == 1


async def test_one_that_is_alive_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LOOK_SECONDS", 0.1)
    peer = Peer()
    asked = Asking(peer.client)
    while not peer.closed and peer.pinged < 3:
        await peer.settle()  # and at once again: it answers in the turn after it was asked, before any timer
    peer.reply(1)
    peer.say()
    assert await asked.end() == End.REPLIED


async def test_a_dead_one_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LOOK_SECONDS", 0.1)
    peer = Peer()
    asked = Asking(peer.client)
    await peer.settle()
    await asked.give_up()
    assert asked.exchange.end == End.LATE
    await asyncio.wait_for(peer.client.lost, 10)  # nothing is under way, and yet it owes a sign of life
    assert not peer.client.usable


async def test_one_that_was_idle_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    peer = Peer()
    usable = [peer.client.usable]
    monkeypatch.setattr(connection, "IDLE_SECONDS", 0.0)
    usable.append(peer.client.usable)
    asked = Asking(peer.client)
    await peer.settle()
    usable.append(peer.client.usable)
    peer.reply(1)
    peer.say()
    assert await asked.end() == End.REPLIED
    usable.append(peer.client.usable)
    assert usable == [True, False, True, False]


SETTLED = frame(frames.SETTINGS, 0, 0)
HEADERS, DATA, PUSH = frames.HEADERS, frames.DATA, frames.PUSH_PROMISE


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", frames.FRAME_SIZE_ERROR),
        (frame(frames.PING, 0, 0, b"12345678"), frames.PROTOCOL_ERROR),
        (SETTLED + frame(frames.PING, 0, 0, b"123"), frames.FRAME_SIZE_ERROR),
        (SETTLED + frame(frames.GOAWAY, 0, 0, b"123"), frames.FRAME_SIZE_ERROR),
        (SETTLED + frame(frames.GOAWAY, 0, 1, number(0) + number(0)), frames.FRAME_SIZE_ERROR),
        (frame(frames.SETTINGS, 0, 0, b"12345"), frames.FRAME_SIZE_ERROR),
        (frame(frames.SETTINGS, 0, 0, b"\x00\x04\xff\xff\xff\xff"), frames.FLOW_CONTROL_ERROR),
        (SETTLED + frame(DATA, 0, 1, b"x"), frames.PROTOCOL_ERROR),
        (SETTLED + frame(DATA, frames.PADDED, 1, b"\x05abc"), frames.PROTOCOL_ERROR),
        (SETTLED + frame(HEADERS, frames.END_HEADERS, 2, BLOCK), frames.PROTOCOL_ERROR),
        (SETTLED + frame(HEADERS, frames.END_HEADERS, 99, BLOCK), frames.PROTOCOL_ERROR),
        (SETTLED + frame(HEADERS, frames.END_HEADERS, 1, b"\xbe"), frames.COMPRESSION_ERROR),
        (SETTLED + frame(HEADERS, frames.END_HEADERS, 1, b"\x0f\x0d\x01x"), frames.PROTOCOL_ERROR),
        (SETTLED + frame(HEADERS, 0, 1, BLOCK) + frame(DATA, 0, 1), frames.PROTOCOL_ERROR),
        (SETTLED + frame(frames.CONTINUATION, frames.END_HEADERS, 1, BLOCK), frames.PROTOCOL_ERROR),
        (
            SETTLED + frame(HEADERS, 0, 1, BLOCK) + 5 * frame(frames.CONTINUATION, 0, 1, b"\x88" * 16_384),
            frames.ENHANCE_YOUR_CALM,
        ),
        (SETTLED + frame(PUSH, frames.END_HEADERS, 1, number(2) + BLOCK), frames.PROTOCOL_ERROR),
        (SETTLED + frame(frames.WINDOW_UPDATE, 0, 0, number(0)), frames.PROTOCOL_ERROR),
        (SETTLED + frame(frames.WINDOW_UPDATE, 0, 1, number(frames.MOST)), frames.FLOW_CONTROL_ERROR),
        (SETTLED + frame(frames.WINDOW_UPDATE, 0, 0, number(frames.MOST)), frames.FLOW_CONTROL_ERROR),
    ],
)
async def test_nonsense_ends_the_connection(said: bytes, code: int) -> None:
    peer = Peer()
    asked = Asking(peer.client)
    await asyncio.sleep(0)
    if begun := said.startswith(SETTLED):
        peer.client.data_received(SETTLED)
    peer.client.data_received(said.removeprefix(SETTLED))
    assert await asked.end() == (End.LOST if begun else End.REFUSED)
    await peer.settle()
    assert peer.complaint == code
    assert peer.closed


async def test_frames_of_other_kinds_are_nobodys_business() -> None:
    peer = Peer()
    asked = Asking(peer.client)
    await peer.settle()
    peer.client.data_received(frame(0xFE, 0xFF, 1, b"?") + frame(0x2, 0, 1, b"12345"))
    flags = frames.END_HEADERS | frames.PRIORITY | frames.PADDED
    peer.client.data_received(frame(HEADERS, flags, 1, b"\x01" + bytes(5) + BLOCK + b"."))
    peer.client.data_received(frame(DATA, frames.END_STREAM, 1, b"fine"))
    assert await asked.end() == End.REPLIED
    assert asked.exchange.body == b"fine"


async def test_a_connection_whose_streams_are_used_up() -> None:
    peer = Peer()
    peer.client._requests._next = frames.MOST
    last, other = Asking(peer.client), Asking(peer.client)
    await peer.settle()
    peer.reply(frames.MOST)
    peer.say()
    assert [await last.end(), await other.end()] == [End.REPLIED, End.MOVED]
    assert not peer.client.usable
