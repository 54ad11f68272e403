"""Whatever a server and the network do, in whatever order: each request ends, as the server knows that it did.

The server is the package `h2`, which raises at whatever a client may not say.
"""

import asyncio

from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_http2.exchange import End
from packages.http2.tests.http2_peer import Asking, Peer

FEW = st.integers(0, 3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(0, 60_000)),
        st.tuples(st.just("reply"), st.integers(0, 70_000)),
        st.tuples(st.sampled_from(["hint", "refuse", "fail", "give_up", "most", "read", "pause"]), FEW),
        st.tuples(st.just("window"), st.integers(0, 100_000)),
        st.tuples(st.just("hear"), st.sampled_from([1, 10, 100, 20_000])),
    ),
    max_size=40,
)


class Story:
    """What happened. Each step is a method; its argument says which, or how much."""

    def __init__(self) -> None:
        self.peer = Peer({SettingCodes.INITIAL_WINDOW_SIZE: 5_000, SettingCodes.MAX_CONCURRENT_STREAMS: 3}, reads=False)
        self.asked: list[Asking] = []
        self.ends: dict[int, tuple[End, bytes]] = {}  # by stream, as the server knows it
        self.hinted: set[int] = set()

    async def ask(self, size: int) -> None:
        self.asked.append(Asking(self.peer.client, bytes([len(self.asked) % 256]) * size))

    async def reply(self, size: int) -> None:
        if waiting := [stream for stream in self.peer.whole if stream not in self.ends]:
            stream, body = waiting[size % len(waiting)], bytes([size % 251]) * (size // 5)
            self.peer.server.send_headers(stream, [(":status", "200"), ("x-size", str(size))])
            for at in range(0, len(body), 9_000):
                self.peer.server.send_data(stream, body[at : at + 9_000], pad_length=size % 200)
            self.peer.server.end_stream(stream)
            self.ends[stream] = End.REPLIED, body

    async def hint(self, at: int) -> None:
        if streams := self.open():
            self.peer.server.send_headers(stream := streams[at % len(streams)], [(":status", "103"), ("link", "<x>")])
            self.hinted.add(stream)

    async def refuse(self, at: int) -> None:
        self.reset(at, ErrorCodes.REFUSED_STREAM, End.REFUSED)

    async def fail(self, at: int) -> None:
        self.reset(at, ErrorCodes.INTERNAL_ERROR, End.LOST)

    async def give_up(self, at: int) -> None:
        if waiting := [asked for asked in self.asked if asked.exchange.end is None]:
            asked = waiting[at % len(waiting)]
            await asked.give_up()
            assert asked.exchange.end in (End.LATE, End.REFUSED)
            if asked.exchange.end is End.LATE:
                self.ends[asked.exchange.stream] = End.LATE, b""

    async def most(self, most: int) -> None:
        self.tell(SettingCodes.MAX_CONCURRENT_STREAMS, most)

    async def window(self, size: int) -> None:
        self.tell(SettingCodes.INITIAL_WINDOW_SIZE, size)

    async def read(self, _: int) -> None:
        self.peer.read()

    async def hear(self, pieces: int) -> None:
        self.peer.say(pieces=pieces)

    async def pause(self, yes: int) -> None:
        (self.peer.client.pause_writing if yes else self.peer.client.resume_writing)()

    def open(self) -> list[int]:
        return [stream for stream in self.peer.asked if stream not in self.ends]

    def reset(self, at: int, code: ErrorCodes, end: End) -> None:
        if streams := self.open():
            self.peer.server.reset_stream(stream := streams[at % len(streams)], code)
            self.ends[stream] = End.LOST if stream in self.hinted else end, b""  # refused, and yet it had begun

    def tell(self, setting: SettingCodes, value: int) -> None:
        if self.peer.agreed:  # h2 takes the answer to one change for that to all
            self.peer.agreed = False
            self.peer.server.update_settings({setting: value})

    async def end(self) -> None:
        """The server takes and answers all that is left."""
        await self.pause(0)
        await self.peer.settle()
        self.tell(SettingCodes.MAX_CONCURRENT_STREAMS, 100)
        await self.peer.settle()
        self.tell(SettingCodes.INITIAL_WINDOW_SIZE, 2**20)
        self.peer.reads = True
        while any(asked.exchange.end is None for asked in self.asked):
            before = len(self.ends), sum(map(len, self.peer.bodies.values()))
            self.peer.read()
            await self.peer.settle()
            await self.reply(0)
            self.peer.say()
            assert (len(self.ends), sum(map(len, self.peer.bodies.values()))) > before, "it stands still"


async def told(steps: list[tuple[str, int]]) -> None:
    story = Story()
    for step, value in steps:
        await getattr(story, step)(value)
        await asyncio.sleep(0)
    await story.end()
    for number, asked in enumerate(story.asked):
        exchange = asked.exchange
        if not exchange.stream:
            assert exchange.end is End.REFUSED  # given up before it began
            continue
        if exchange.end is not End.LATE:
            await asked.end()
        end, body = story.ends[exchange.stream]
        assert exchange.end is end
        assert exchange.end is not End.REPLIED or exchange.body == body
        assert set(story.peer.bodies[exchange.stream]) <= {number % 256}
    await story.peer.client.aclose()


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_every_request_ends_as_the_server_knows(steps: list[tuple[str, int]]) -> None:
    asyncio.run(told(steps))
