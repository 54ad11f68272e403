"""The protocol class that uvicorn runs for each connection. It follows the table of states in `connection.py`."""

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
    ConnectionState,
    Expiry,
)
from handoff_api.parsing import ParsingProtocol
from handoff_api.problems import BODY_TOO_SLOW, HEAD_TOO_SLOW, Problem, ProblemType
from handoff_api.timer import Timer

log = logging.getLogger(__name__)


class BoundedProtocol(ParsingProtocol):
    """One connection. `_current` is the request that is being answered, or was answered last."""

    state = CLOSED
    _timer: Timer
    _timed: RequestResponseCycle | None = None  # the request for which the timer started
    _unsent_bytes = 0  # when the timer started
    _current: RequestResponseCycle | None = None
    _refusal: ProblemType | None = None  # the last answer, which waits until all earlier answers are complete
    _ignores_input = False
    _half_closed = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._timer = Timer(self.loop, self._expire)
        self._output.on_close = self._settle
        self._enter(NEW)

    def connection_lost(self, exc: Exception | None) -> None:
        self.state = CLOSED
        self._timer.end()
        self._output.on_close = None
        super().connection_lost(exc)
        if self._current is not None:
            _disconnect(self._current)  # uvicorn only notifies the newest request
        self.pipeline.clear()

    def data_received(self, data: bytes) -> None:
        if self._ignores_input or self._output.closed:
            return
        try:
            self.parse(data)
        except Problem as problem:
            self._refuse(problem.type)
        self._settle()

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn always closes
        current = self._current
        if self._output.closed or current is None or current.response_started or current.more_body:
            self._drop()
        else:
            self._half_closed = True
            self._forget_unfinished()
        self._settle()
        return not self._output.closed

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
        if not self._output.closed:
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

    def _refuse(self, problem_type: ProblemType) -> None:
        """Stop reading, and answer with a problem after all earlier answers, unless this answer has already started."""
        log.info("Refused a request", extra={"event": "connection.refused", "code": problem_type.code})
        self._ignores_input = True
        current = self._current
        if current is not None and current is self.cycle and self._output.receiving and self._has_head:
            if current.response_started:
                self._drop()
            else:
                current.scope["state"]["refused"] = problem_type.status
                self._answer_last(problem_type)
            _disconnect(current)
        elif current is not None and not current.response_complete:
            self._forget_unfinished()
            self._refusal = problem_type
        else:
            self._answer_last(problem_type)

    def _answer_last(self, problem_type: ProblemType) -> None:
        response = Problem(problem_type).response()
        fields = [*self.server_state.default_headers, *response.raw_headers, (b"connection", b"close")]
        head = STATUS_LINE[problem_type.status] + b"".join(b"%s: %s\r\n" % field for field in fields)
        self._output.write(head + b"\r\n" + bytes(response.body))
        self._output.close()

    def _drop(self) -> None:
        """Close without waiting for the rest of a request."""
        self._output.receiving = False
        self._output.close()

    def _forget_unfinished(self) -> None:
        """Remove the newest waiting request if its body is incomplete, because the server reads no more."""
        if self.pipeline and self.cycle.more_body:
            self.pipeline.popleft()

    def _derive(self) -> ConnectionState:
        current = self._current
        if self._output.closed:
            return CLOSING
        if self.flow.write_paused:
            return STALLED
        if current is not None and not current.response_complete:
            return HALF_CLOSED if self._half_closed else BODY if current.more_body else ANSWERING
        if self._output.receiving:
            return BODY if self._has_head else HEAD
        return NEW if current is None else IDLE

    def _settle(self) -> None:
        """Enter the state that the connection is in now. The timer continues when state and request are unchanged."""
        if self.state is not CLOSED:
            state = self._derive()
            if state is not self.state or self._current is not self._timed:
                self._enter(state)

    def _enter(self, state: ConnectionState) -> None:
        self.state, self._timed = state, self._current
        if state.at_expiry is Expiry.ABORT:
            self._unsent_bytes = self._output.get_write_buffer_size()
        self._timer.start(self.timeout_keep_alive if state.seconds is None else state.seconds)

    def _expire(self) -> None:
        state = self.state
        if state.at_expiry is Expiry.REFUSE:
            self._refuse(BODY_TOO_SLOW if state is BODY else HEAD_TOO_SLOW)
        elif state.at_expiry is Expiry.CLOSE:
            self._drop()
        elif self._output.get_write_buffer_size() < self._unsent_bytes:
            self._enter(state)
        else:
            self._output.abort()


def _disconnect(cycle: RequestResponseCycle) -> None:
    if not cycle.response_complete:
        cycle.disconnected = True
        cycle.message_event.set()
