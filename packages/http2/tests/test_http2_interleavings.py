"""Random interleavings of client, server and network: every exchange ends with the result that the server knows.

The package `h2` plays the server, and raises on anything that a client must not send.
"""

import asyncio

from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_http2.exchange import ExchangeResult
from packages.http2.tests.http2_peer import Peer, PendingRequest

FEW = st.integers(0, 3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), st.integers(0, 60_000)),
        st.tuples(st.just("reply"), st.integers(0, 70_000)),
        st.tuples(
            st.sampled_from(["inform", "refuse", "fail", "cancel", "limit_streams", "acknowledge", "pause"]), FEW
        ),
        st.tuples(st.just("resize_window"), st.integers(0, 100_000)),
        st.tuples(st.just("flush"), st.sampled_from([1, 10, 100, 20_000])),
    ),
    max_size=40,
)


class Scenario:
    """One interleaving. Each step is a method; its argument is an index or a size."""

    def __init__(self) -> None:
        self.peer = Peer({SettingCodes.INITIAL_WINDOW_SIZE: 5_000, SettingCodes.MAX_CONCURRENT_STREAMS: 3}, reads=False)
        self.requests: list[PendingRequest] = []
        self.expected: dict[int, tuple[ExchangeResult, bytes]] = {}  # by stream id
        self.informed: set[int] = set()

    async def submit(self, size: int) -> None:
        self.requests.append(PendingRequest(self.peer.client, bytes([len(self.requests) % 256]) * size))

    async def reply(self, size: int) -> None:
        if waiting := [stream for stream in self.peer.awaiting_response if stream not in self.expected]:
            stream, body = waiting[size % len(waiting)], bytes([size % 251]) * (size // 5)
            self.peer.server.send_headers(stream, [(":status", "200"), ("x-size", str(size))])
            for at in range(0, len(body), 9_000):
                self.peer.server.send_data(stream, body[at : at + 9_000], pad_length=size % 200)
            self.peer.server.end_stream(stream)
            self.expected[stream] = ExchangeResult.RESPONDED, body

    async def inform(self, at: int) -> None:
        if streams := self.open():
            self.peer.server.send_headers(stream := streams[at % len(streams)], [(":status", "103"), ("link", "<x>")])
            self.informed.add(stream)

    async def refuse(self, at: int) -> None:
        self.reset(at, ErrorCodes.REFUSED_STREAM, ExchangeResult.NOT_PROCESSED)

    async def fail(self, at: int) -> None:
        self.reset(at, ErrorCodes.INTERNAL_ERROR, ExchangeResult.UNKNOWN)

    async def cancel(self, at: int) -> None:
        if waiting := [request for request in self.requests if request.exchange.result is None]:
            request = waiting[at % len(waiting)]
            await request.cancel()
            assert request.exchange.result in (ExchangeResult.CANCELLED, ExchangeResult.NOT_PROCESSED)
            if request.exchange.result is ExchangeResult.CANCELLED:
                self.expected[request.exchange.stream_id] = ExchangeResult.CANCELLED, b""

    async def limit_streams(self, count: int) -> None:
        self.change_setting(SettingCodes.MAX_CONCURRENT_STREAMS, count)

    async def resize_window(self, size: int) -> None:
        self.change_setting(SettingCodes.INITIAL_WINDOW_SIZE, size)

    async def acknowledge(self, _: int) -> None:
        self.peer.acknowledge_data()

    async def flush(self, pieces: int) -> None:
        self.peer.flush(pieces=pieces)

    async def pause(self, yes: int) -> None:
        (self.peer.client.pause_writing if yes else self.peer.client.resume_writing)()

    def open(self) -> list[int]:
        return [stream for stream in self.peer.requests if stream not in self.expected]

    def reset(self, at: int, code: ErrorCodes, result: ExchangeResult) -> None:
        if streams := self.open():
            self.peer.server.reset_stream(stream := streams[at % len(streams)], code)
            if stream in self.informed:  # a response that began contradicts a refusal
                result = ExchangeResult.UNKNOWN
            self.expected[stream] = result, b""

    def change_setting(self, setting: SettingCodes, value: int) -> None:
        if self.peer.settings_acknowledged:  # h2 applies one acknowledgement to all pending changes
            self.peer.settings_acknowledged = False
            self.peer.server.update_settings({setting: value})

    async def finish(self) -> None:
        """Lets the server accept and answer all remaining requests."""
        await self.pause(0)
        await self.peer.settle()
        self.change_setting(SettingCodes.MAX_CONCURRENT_STREAMS, 100)
        await self.peer.settle()
        self.change_setting(SettingCodes.INITIAL_WINDOW_SIZE, 2**20)
        self.peer.reads = True
        while any(request.exchange.result is None for request in self.requests):
            before = len(self.expected), sum(map(len, self.peer.bodies.values()))
            self.peer.acknowledge_data()
            await self.peer.settle()
            await self.reply(0)
            self.peer.flush()
            assert (len(self.expected), sum(map(len, self.peer.bodies.values()))) > before, "no progress"


async def run_scenario(steps: list[tuple[str, int]]) -> None:
    scenario = Scenario()
    for step, value in steps:
        await getattr(scenario, step)(value)
        await asyncio.sleep(0)
    await scenario.finish()
    for number, request in enumerate(scenario.requests):
        exchange = request.exchange
        if not exchange.stream_id:
            assert exchange.result is ExchangeResult.NOT_PROCESSED  # cancelled before the stream opened
            continue
        if exchange.result is not ExchangeResult.CANCELLED:
            await request.wait()
        result_at_server, body = scenario.expected[exchange.stream_id]
        assert exchange.result is result_at_server
        assert exchange.result is not ExchangeResult.RESPONDED or exchange.body == body
        assert set(scenario.peer.bodies[exchange.stream_id]) <= {number % 256}
    await scenario.peer.client.aclose()


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_every_exchange_ends_with_the_result_that_the_server_knows(steps: list[tuple[str, int]]) -> None:
    asyncio.run(run_scenario(steps))
