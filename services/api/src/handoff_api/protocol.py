"""The protocol class that the API gives uvicorn: it follows the table of states in `connection.py`."""

import asyncio
import logging

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from handoff_api.connection import (
    ANSWERING,
    BODY,
    CLOSED,
    CLOSING,
    HALF_CLOSED,
    HEAD,
    IDLE,
    NEW,
    STALLED,
    Expiry,
    State,
)
from handoff_api.parsing import ParsingProtocol
from handoff_api.problems import BODY_TOO_SLOW, HEAD_TOO_SLOW, Kind, Problem
from handoff_api.timer import Timer

log = logging.getLogger(__name__)


class BoundedProtocol(ParsingProtocol):
    """One connection. `_current` is the request that is answered now, or was answered last."""

    state = CLOSED
    _timer: Timer
    _timed: RequestResponseCycle | None = None  # the request for which the timer was started
    _unsent = 0  # bytes, when the timer was started
    _current: RequestResponseCycle | None = None
    _refusal: Kind | None = None  # the last answer; it waits until the earlier ones are complete
    _ignores_input = False
    _half_closed = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._timer = Timer(self.loop, self._expire)
        self._wire.on_close = self._settle
        self._enter(NEW)

    def connection_lost(self, exc: Exception | None) -> None:
        self.state = CLOSED
        self._timer.end()
        self._wire.on_close = None
        super().connection_lost(exc)
        if self._current is not None:
            _disconnect(self._current)  # uvicorn notifies the newest request alone
        self.pipeline.clear()

    def data_received(self, data: bytes) -> None:
        if self._ignores_input or self._wire.closed:
            return
        try:
            self.parse(data)
        except Problem as problem:
            self._refuse(problem.kind)
        self._settle()

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn always closes
        current = self._current
        if self._wire.closed or current is None or current.response_started or current.more_body:
            self._drop()
        else:
            self._half_closed = True
            self._forget_unfinished()
        self._settle()
        return not self._wire.closed

    def pause_writing(self) -> None:
        super().pause_writing()
        self._settle()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._settle()

    def shutdown(self) -> None:
        if self._current is None or self.cycle.response_complete:
            self._drop()
        else:
            self.cycle.keep_alive = False

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if not self._wire.closed:
            if self.pipeline:
                self._start_asgi_task(*self.pipeline.pop())
            elif self._refusal is not None:
                self._answer_last(self._refusal)
            elif self._half_closed:
                self._drop()
            self.flow.resume_reading()
        self._settle()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._current = cycle
        super()._start_asgi_task(cycle, app)

    def _refuse(self, kind: Kind) -> None:
        """Reads no more. The refusal follows the answers that are due; an answer that has started has no successor."""
        log.info("Refused a request", extra={"event": "connection.refused", "code": kind.code})
        self._ignores_input = True
        current = self._current
        if current is not None and current is self.cycle and self._wire.receiving and self._has_head:
            if current.response_started:
                self._drop()
            else:
                current.scope["state"]["refused"] = kind.status
                self._answer_last(kind)
            _disconnect(current)
        elif current is not None and not current.response_complete:
            self._forget_unfinished()
            self._refusal = kind
        else:
            self._answer_last(kind)

    def _answer_last(self, kind: Kind) -> None:
        response = Problem(kind).response()
        fields = [*self.server_state.default_headers, *response.raw_headers, (b"connection", b"close")]
        head = STATUS_LINE[kind.status] + b"".join(b"%s: %s\r\n" % field for field in fields)
        self._wire.write(head + b"\r\n" + bytes(response.body))
        self._wire.close()

    def _drop(self) -> None:
        """Closes without waiting for the rest of a request."""
        self._wire.receiving = False
        self._wire.close()

    def _forget_unfinished(self) -> None:
        """Removes the newest waiting request when the rest of its body will not be read."""
        if self.pipeline and self.cycle.more_body:
            self.pipeline.popleft()

    def _derive(self) -> State:
        current = self._current
        if self._wire.closed:
            return CLOSING
        if self.flow.write_paused:
            return STALLED
        if current is not None and not current.response_complete:
            return HALF_CLOSED if self._half_closed else BODY if current.more_body else ANSWERING
        if self._wire.receiving:
            return BODY if self._has_head else HEAD
        return NEW if current is None else IDLE

    def _settle(self) -> None:
        """Enters the state that the connection is in now. The timer goes on when state and request are the same."""
        if self.state is not CLOSED:
            state = self._derive()
            if state is not self.state or self._current is not self._timed:
                self._enter(state)

    def _enter(self, state: State) -> None:
        self.state, self._timed = state, self._current
        if state.at_expiry is Expiry.ABORT:
            self._unsent = self._wire.get_write_buffer_size()
        self._timer.start(self.timeout_keep_alive if state.seconds is None else state.seconds)

    def _expire(self) -> None:
        state = self.state
        if state.at_expiry is Expiry.REFUSE:
            self._refuse(BODY_TOO_SLOW if state is BODY else HEAD_TOO_SLOW)
        elif state.at_expiry is Expiry.CLOSE:
            self._drop()
        elif self._wire.get_write_buffer_size() < self._unsent:
            self._enter(state)
        else:
            self._wire.abort()


def _disconnect(cycle: RequestResponseCycle) -> None:
    if not cycle.response_complete:
        cycle.disconnected = True
        cycle.message_event.set()
