"""A server at the other end of a connection, with no network between: the package `h2`, which is strict about what a
client may say.
"""

import asyncio
from collections.abc import Mapping

import h2.config
import h2.connection
import h2.events
from h2.settings import SettingCodes, Settings

from handoff_http2.client import located
from handoff_http2.connection import Connection
from handoff_http2.exchange import End, Exchange
from handoff_http2.fields import encoded

URL = "https://push.example/v1/send"
LIMIT = 64 * 1024


class Peer(asyncio.Transport):
    """The client's transport, and the server that reads from it. `settings` are the server's first. `reads`: it gives
    back the room of what it read at once; else when it is told to.
    """

    def __init__(self, settings: Mapping[SettingCodes, int] = {}, *, reads: bool = True) -> None:
        super().__init__()
        self.client = Connection(LIMIT)
        self.server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self.asked: dict[int, dict[str, str]] = {}
        self.bodies: dict[int, bytes] = {}
        self.whole: list[int] = []  # streams whose request is here, and that wait for a reply
        self.given_up: list[int] = []
        self.pinged = self.answered = 0  # pings of the client, and its answers to the server's
        self.complaint: int | None = None  # the code with which the client went away
        self.closed = False
        self.agreed = False  # the client has answered the server's last settings
        self.reads = reads
        self._unread: dict[int, int] = {}
        self.server.local_settings = Settings(client=False, initial_values=dict(settings))
        self.server.initiate_connection()
        self.client.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        for event in self.server.receive_data(bytes(data)):
            self._heard(event)

    def is_closing(self) -> bool:
        return self.closed

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self.client.connection_lost, None)

    def abort(self) -> None:
        self.close()

    def say(self, *, pieces: int = 65_536) -> None:
        """Lets the client hear what the server has to say, so many bytes at a time."""
        data = self.server.data_to_send()
        for at in range(0, len(data), pieces):
            if not self.closed:
                self.client.data_received(data[at : at + pieces])

    async def settle(self) -> None:
        """Until both have said and heard all."""
        for _ in range(8):
            await asyncio.sleep(0)
            self.say()

    def read(self) -> None:
        """Gives back the room of all that was read."""
        for stream, size in self._unread.items():
            self.server.acknowledge_received_data(size, stream)
        self._unread.clear()

    def reply(self, stream: int, status: int = 200, body: bytes = b"", **headers: str) -> None:
        self.server.send_headers(stream, [(":status", str(status)), *headers.items()])
        self.server.send_data(stream, body, end_stream=True)

    def _heard(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            self.asked[event.stream_id] = {str(name): str(value) for name, value in event.headers}
            self.bodies[event.stream_id] = b""
        elif isinstance(event, h2.events.DataReceived):
            self.bodies[event.stream_id] += event.data
            self._unread[event.stream_id] = self._unread.get(event.stream_id, 0) + event.flow_controlled_length
            if self.reads:
                self.read()
        elif isinstance(event, h2.events.StreamEnded):
            self.whole.append(event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            self.given_up.append(event.stream_id)
        elif isinstance(event, h2.events.SettingsAcknowledged):
            self.agreed = True
        elif isinstance(event, h2.events.PingReceived):
            self.pinged += 1
        elif isinstance(event, h2.events.PingAckReceived):
            self.answered += 1
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.complaint = event.error_code


class Asking:
    """A request that a client was asked to carry."""

    def __init__(self, client: Connection, body: bytes = b"{}") -> None:
        _, begin = located(URL)
        self.exchange = Exchange(begin + encoded("content-length", str(len(body))), body)
        self.task = asyncio.create_task(client.carry(self.exchange))

    async def end(self) -> End:
        """How it ended, which it has to soon."""
        await asyncio.wait_for(self.task, 10)
        assert self.exchange.end is not None
        return self.exchange.end

    async def give_up(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task], timeout=10)
