"""A server in memory, played by the package `h2`, which raises on anything that a client must not send."""

import asyncio
from collections.abc import Mapping

import h2.config
import h2.connection
import h2.events
from h2.settings import SettingCodes, Settings

from handoff_http2.client import parse_url
from handoff_http2.connection import Connection
from handoff_http2.exchange import Exchange, ExchangeResult
from handoff_http2.fields import encode_field

URL = "https://push.example/v1/send"
LIMIT = 64 * 1024


class Peer(asyncio.Transport):
    """The client's transport and the server behind it. `settings` are the server's first SETTINGS.

    With `reads`, the server acknowledges received data at once; otherwise in `acknowledge_data`.
    """

    def __init__(self, settings: Mapping[SettingCodes, int] = {}, *, reads: bool = True) -> None:
        super().__init__()
        self.client = Connection(LIMIT)
        self.server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self.requests: dict[int, dict[str, str]] = {}  # header fields by stream id
        self.bodies: dict[int, bytes] = {}
        self.awaiting_response: list[int] = []  # ids of streams whose request is complete
        self.reset_streams: list[int] = []  # by the client
        self.pings = self.ping_acks = 0  # that the client sent
        self.goaway_code: int | None = None  # that the client sent
        self.closed = False
        self.settings_acknowledged = False  # the server's last ones, by the client
        self.reads = reads
        self._unacknowledged: dict[int, int] = {}
        self.server.local_settings = Settings(client=False, initial_values=dict(settings))
        self.server.initiate_connection()
        self.client.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        for event in self.server.receive_data(bytes(data)):
            self._on_event(event)

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

    def flush(self, *, pieces: int = 65_536) -> None:
        """Passes the server's pending bytes to the client, `pieces` bytes at a time."""
        data = self.server.data_to_send()
        for at in range(0, len(data), pieces):
            if not self.closed:
                self.client.data_received(data[at : at + pieces])

    async def settle(self) -> None:
        """Lets both sides send all that they have to send."""
        for _ in range(8):
            await asyncio.sleep(0)
            self.flush()

    def acknowledge_data(self) -> None:
        """Restores the flow-control windows by the data received so far."""
        for stream, size in self._unacknowledged.items():
            self.server.acknowledge_received_data(size, stream)
        self._unacknowledged.clear()

    def reply(self, stream: int, status: int = 200, body: bytes = b"", **headers: str) -> None:
        self.server.send_headers(stream, [(":status", str(status)), *headers.items()])
        self.server.send_data(stream, body, end_stream=True)

    def _on_event(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            self.requests[event.stream_id] = {str(name): str(value) for name, value in event.headers}
            self.bodies[event.stream_id] = b""
        elif isinstance(event, h2.events.DataReceived):
            self.bodies[event.stream_id] += event.data
            self._unacknowledged[event.stream_id] = (
                self._unacknowledged.get(event.stream_id, 0) + event.flow_controlled_length
            )
            if self.reads:
                self.acknowledge_data()
        elif isinstance(event, h2.events.StreamEnded):
            self.awaiting_response.append(event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            self.reset_streams.append(event.stream_id)
        elif isinstance(event, h2.events.SettingsAcknowledged):
            self.settings_acknowledged = True
        elif isinstance(event, h2.events.PingReceived):
            self.pings += 1
        elif isinstance(event, h2.events.PingAckReceived):
            self.ping_acks += 1
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goaway_code = event.error_code


class PendingRequest:
    """A request that a client is sending."""

    def __init__(self, client: Connection, body: bytes = b"{}") -> None:
        _, target_fields = parse_url(URL)
        self.exchange = Exchange(target_fields + encode_field("content-length", str(len(body))), body)
        self.task = asyncio.create_task(client.send(self.exchange))

    async def wait(self) -> ExchangeResult:
        """Returns the result; fails if the exchange does not end soon."""
        await asyncio.wait_for(self.task, 10)
        assert self.exchange.result is not None
        return self.exchange.result

    async def cancel(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task], timeout=10)
