"""Each state of a connection has one timer, and each timer ends the connection."""

import asyncio
import gc
import logging
import weakref
from typing import Any

import pytest

from handoff_api import body
from handoff_api.connection import BODY, CLOSED, CLOSING, IDLE, STALLED, TIMED
from handoff_api.observability import ObservabilityMiddleware
from handoff_api.request_state import ApiRequest
from services.api.tests.wire import KEEP_ALIVE, Lab, run, turns, until

GET = b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n"
HALF = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello"
EARLY = HALF.replace(b"/echo", b"/early")
CHUNKS = b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"


@pytest.mark.parametrize(
    ("segments", "states", "statuses"),
    [
        ([], ["new", "closing"], [408]),
        ([b"\r\n"], ["new", "closing"], [408]),
        ([b"G"], ["head", "closing"], [408]),
        ([GET[:-1]], ["head", "closing"], [408]),
        ([GET], ["idle", "closing"], [200]),
        ([GET, b"\r\n"], ["idle", "closing"], [200]),
        ([GET, b"\r\n", b"\r\n\r\n"], ["idle", "closing"], [200]),
        ([GET, b"G"], ["head", "closing"], [200, 408]),
        ([GET + GET], ["idle", "closing"], [200, 200]),
        ([HALF], ["body", "closing"], [408]),
        ([GET, HALF], ["body", "closing"], [200, 408]),
        ([CHUNKS], ["body", "closing"], [408]),
        ([CHUNKS, b"0\r\nTrailer: "], ["body", "closing"], [408]),
        ([EARLY], ["body", "closing"], [401]),
        ([EARLY, b"w"], ["body", "closing"], [401]),
        ([EARLY, b"world"], ["idle", "closing"], [401]),
        ([EARLY, b"world" + GET], ["idle", "closing"], [401, 200]),
        ([EARLY, b"world", b"\r\n"], ["idle", "closing"], [401]),
    ],
)
def test_a_client_that_stops_sending_is_disconnected(
    segments: list[bytes], states: list[str], statuses: list[int]
) -> None:
    async def scenario(lab: Lab) -> None:
        async with lab.client() as client:
            client.read()
            for segment in segments:
                await client.send(segment)
                await until(lambda: client.protocol.state is not CLOSED)
                await turns()
            passed = await client.end()
        assert passed == states[: len(passed)]  # a client that reads closes first, so "closing" may need no timer
        assert passed[0] == states[0]
        assert client.answers.statuses == statuses

    run(scenario)


def test_bytes_without_progress_restart_no_timer() -> None:
    async def scenario(lab: Lab) -> None:
        async with lab.client() as client:
            for segment in (GET, b"\r\n", b"\r\n"):
                await client.send(segment)
                await until(lambda: client.protocol.state is IDLE)
            began = lab.clock.time()
            while client.protocol.state is IDLE:
                lab.clock.ring()
            assert lab.clock.time() - began == KEEP_ALIVE

    run(scenario)


def test_a_stream_has_a_timer() -> None:
    async def scenario(lab: Lab) -> None:
        async with lab.client() as client:
            await client.send(GET.replace(b"echo", b"stream"))
            assert await client.end() == ["answering"]
            await until(lambda: lab.app.gone == 1)

    run(scenario)


@pytest.mark.parametrize("also", [b"", b"G", GET, HALF])
def test_a_client_that_reads_nothing_is_disconnected_though_it_sends(also: bytes) -> None:
    async def scenario(lab: Lab) -> None:
        async with lab.client() as client:
            await client.send(GET.replace(b"echo", b"large"))
            await until(lambda: client.protocol.state.name == "stalled")
            await client.send(also)
            assert await client.end() == ["stalled"]

    run(scenario)


def test_a_slow_reader_stays_connected() -> None:
    async def scenario(lab: Lab) -> None:
        async with lab.client() as client:
            protocol, loop = client.protocol, asyncio.get_running_loop()
            await client.send(GET.replace(b"echo", b"large"))
            await until(lambda: protocol.state is STALLED)
            for _ in range(3):
                unsent = protocol.transport.get_write_buffer_size()
                while protocol.transport.get_write_buffer_size() == unsent:
                    await loop.sock_recv(client.connection, 1 << 18)
                lab.clock.wait(30)
                await turns()
                assert protocol.state is STALLED
            assert await client.end() == ["stalled"]

    run(scenario)


def test_the_next_request_starts_the_timer_again() -> None:
    async def scenario(lab: Lab) -> None:
        async with lab.client() as client:
            await client.send(EARLY)
            await until(lambda: client.protocol.state is BODY)
            lab.clock.wait(59)
            await client.send(b"world" + EARLY)
            lab.clock.wait(59)
            await turns()
            assert client.protocol.state is BODY
            lab.clock.wait(1)
            await until(lambda: client.protocol.state is CLOSED)

    run(scenario)


@pytest.mark.parametrize("cause", ["timeout", "bad chunk"])
def test_the_application_gets_a_disconnect_when_the_server_stops_reading(cause: str) -> None:
    async def scenario(lab: Lab) -> None:
        async with lab.client() as client:
            await client.send(CHUNKS)
            await turns()
            if cause == "timeout":
                lab.clock.wait(60)
            else:
                await client.send(b"no chunk\r\n")
            await until(lambda: lab.app.gone == 1)
            assert client.protocol.state is CLOSING

    run(scenario)


def test_a_stream_ends_with_its_connection_though_a_request_waits_behind_it() -> None:
    async def scenario(lab: Lab) -> None:
        async with lab.client() as client:
            await client.send(GET.replace(b"echo", b"stream") + GET)
            await turns()
            await client.close(reset=True)
            await until(lambda: lab.app.gone == 1)

    run(scenario)


@pytest.mark.parametrize("end", ["stops", "closes its side"])
def test_an_unread_last_answer_is_dropped(end: str) -> None:
    async def scenario(lab: Lab) -> None:
        async with lab.client() as client:
            close = GET.replace(b"echo", b"large").replace(b"Host", b"Connection: close\r\nHost")
            await client.send(close)
            await until(lambda: client.protocol.state.name == "closing")
            if end == "closes its side":
                client.half_close()
            assert await client.end() == ["closing"]

    run(scenario)


@pytest.mark.parametrize(
    ("segments", "statuses"),
    [
        ([GET], [200]),
        ([GET + GET + GET], [200, 200, 200]),
        ([HALF + b"world"], [200]),
        ([GET + b"POST"], [200]),
        ([GET + HALF], [200]),
        ([HALF], []),
        ([b"G"], []),
        ([], []),
    ],
)
def test_whole_requests_are_answered_after_a_half_close(segments: list[bytes], statuses: list[int]) -> None:
    async def scenario(lab: Lab) -> None:
        lab.app.gate.clear()
        async with lab.client() as client:
            client.read()
            for segment in segments:
                await client.send(segment)
            client.half_close()
            await turns()
            lab.app.gate.set()
            await until(lambda: client.protocol.state is CLOSED)
            await client.end()
        assert client.answers.statuses == statuses

    run(scenario)


@pytest.mark.parametrize(("path", "states"), [(b"stream", []), (b"echo", ["half-closed"])])
def test_a_half_closed_connection_ends(path: bytes, states: list[str]) -> None:
    async def scenario(lab: Lab) -> None:
        lab.app.gate.clear()
        async with lab.client() as client:
            await client.send(GET.replace(b"echo", path))
            await turns()
            client.half_close()
            assert await client.end() == states
        lab.app.gate.set()

    run(scenario)


RESETS = [b"", b"G", HALF, EARLY, GET, GET + b"\r\n", GET + GET + HALF, GET.replace(b"echo", b"stream")]


@pytest.mark.parametrize("sent", RESETS)
@pytest.mark.parametrize("end", ["reset", "close"])
def test_a_lost_connection_frees_its_memory_at_once(sent: bytes, end: str) -> None:
    async def scenario(lab: Lab) -> None:
        freed = await lost(lab, sent, end)
        assert not lab.clock.armed()
        await until(lambda: freed() is None)

    gc.disable()
    try:
        run(scenario)
    finally:
        gc.enable()


async def lost(lab: Lab, sent: bytes, end: str) -> "weakref.ref[Any]":
    async with lab.client() as client:
        await client.send(sent)
        await turns()
        await client.close(reset=end == "reset")
        await until(lambda: client.protocol.state is CLOSED)
        return weakref.ref(client.protocol)


def test_a_server_that_stops_waits_for_no_client() -> None:
    async def scenario(lab: Lab) -> None:
        for sent in (b"", b"G", GET, EARLY):
            async with lab.client() as client:
                await client.send(sent)
                await turns()
                client.protocol.shutdown()
                await until(lambda: client.protocol.state is CLOSED)

    run(scenario)


@pytest.mark.parametrize(
    ("segment", "status", "code"),
    [(None, 408, b"body_too_slow"), (b"no chunk\r\n", 400, b"malformed_request")],
)
def test_a_refused_body_is_a_problem_for_the_client_and_in_the_log(
    segment: bytes | None, status: int, code: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def reading(scope: Any, receive: Any, send: Any) -> None:
        scope["state"] |= {"client": "tests"}
        await body.read_body(ApiRequest(scope, receive, send), 1000)

    async def scenario(lab: Lab) -> None:
        async with lab.client() as client:
            client.read()
            await client.send(CHUNKS.replace(b"Host", b"Content-Type: application/json\r\nHost"))
            if segment is not None:
                await client.send(segment)
            await client.end()
        assert client.answers.statuses == [status]
        assert code in client.answers.bodies[0]

    run(scenario, ObservabilityMiddleware(reading))
    events = [vars(record) for record in caplog.records if "event" in vars(record)]
    assert [event.get("code", event.get("status")) for event in events] == [code.decode(), status]


def test_every_state_but_the_last_has_a_timer() -> None:
    assert all(state.seconds is not None or state is IDLE for state in TIMED)
    assert CLOSED not in TIMED
    assert len({state.name for state in TIMED}) == len(TIMED)


@pytest.mark.parametrize(("sent", "states"), [(GET, []), (HALF, ["closing"])])
def test_a_crash_of_the_application_while_it_answers_closes(sent: bytes, states: list[str]) -> None:
    async def scenario(lab: Lab) -> None:
        async with lab.client() as client:
            await client.send(sent.replace(b"echo", b"crash"))
            passed = await client.end()
        assert passed == states

    run(scenario)
