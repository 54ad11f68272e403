"""Whatever a handler does ends as an outcome, and what it says of the payload is not repeated."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from handoff_contracts import Policy
from handoff_ledger import Failure
from handoff_worker.errors import Fail, Retry
from handoff_worker.execution.attempt import (
    BAD_PAYLOAD,
    BAD_RESULT,
    RESULT_LIMIT,
    TIME_LIMIT,
    Again,
    Done,
    Failed,
    Outcome,
    wait,
)
from handoff_worker.execution.interrupt import Interrupted
from handoff_worker.resources import Resources
from services.worker.tests.support import SECRET, Answer, Ask, attempt_at

Body = Callable[[Ask], Any]


async def in_place(body: Body, payload: object) -> Outcome:
    def handler(ask: Ask, _: Resources) -> Any:
        return body(ask)

    return attempt_at(handler).in_place(payload)


async def on_loop(body: Body, payload: object) -> Outcome:
    async def handler(ask: Ask, _: Resources) -> Any:
        await asyncio.sleep(0)
        return body(ask)

    return await attempt_at(handler).on_loop(payload)


@pytest.fixture(params=[in_place, on_loop])
def attempt(request: pytest.FixtureRequest) -> Any:
    """Both ways to run a handler: `await attempt(body, payload)`."""
    return request.param


def raises(error: Exception) -> Body:
    def body(_: Ask) -> Answer:
        raise error

    return body


async def test_a_result_is_json(attempt: Any) -> None:
    assert await attempt(lambda ask: Answer(text=ask.text * 2), {"text": "é"}) == Done('{"text":"éé"}'.encode())


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Retry("busy"), Again(Failure(code="busy", message="The handler asked for a retry."))),
        (Retry("busy", "Come back.", after=7.5), Again(Failure(code="busy", message="Come back."), 7.5)),
        (Fail("gone"), Failed(Failure(code="gone", message="The handler reported a permanent failure."))),
        (Interrupted(), Again(TIME_LIMIT)),
    ],
)
async def test_verdicts(attempt: Any, error: Exception, outcome: Outcome) -> None:
    assert await attempt(raises(error), {"text": ""}) == outcome


async def test_an_unexpected_exception_is_told_without_its_text(attempt: Any, caplog: pytest.LogCaptureFixture) -> None:
    def body(ask: Ask) -> Answer:
        try:
            int(ask.text)
        except ValueError as error:
            raise RuntimeError(f"no number: {ask.text}") from error
        raise AssertionError

    with caplog.at_level(logging.DEBUG):
        outcome = await attempt(body, {"text": SECRET})
    assert outcome == Again(Failure(code="handler_error", message="The handler raised RuntimeError."))
    (record,) = caplog.records
    assert record.exc_info is None
    told = vars(record)
    assert (told["event"], told["contract"], told["error"]) == ("handler.raised", "test.ask", "RuntimeError")
    assert told["where"].startswith(f"{__file__}:")
    assert SECRET not in str(told)


@pytest.mark.parametrize("payload", [{}, {"text": 1}, {"text": "", "more": SECRET}, [], None])
async def test_a_payload_that_does_not_fit_is_not_handled(
    attempt: Any, payload: object, caplog: pytest.LogCaptureFixture
) -> None:
    assert await attempt(raises(AssertionError("it was handled")), payload) == Failed(BAD_PAYLOAD)
    assert caplog.records == []


class Stranger(BaseModel):
    text: str = ""


@pytest.mark.parametrize("result", [None, {"text": ""}, Stranger(), Answer(text="x" * RESULT_LIMIT)])
async def test_a_result_that_does_not_fit_fails(attempt: Any, result: object) -> None:
    assert await attempt(lambda _: result, {"text": ""}) == Failed(BAD_RESULT)


async def test_the_largest_result_fits(attempt: Any) -> None:
    text = "x" * (RESULT_LIMIT - len('{"text":""}'))
    assert await attempt(lambda _: Answer(text=text), {"text": ""}) == Done(f'{{"text":"{text}"}}'.encode())


async def test_an_async_handler_is_cancelled_at_its_time_limit() -> None:
    cancelled = False

    async def handler(ask: Ask, resources: Resources) -> Answer:
        nonlocal cancelled
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled = True
            raise
        return Answer(text="")

    began = time.monotonic()
    assert await attempt_at(handler, time_limit=0.05).on_loop({"text": ""}) == Again(TIME_LIMIT)
    assert cancelled
    assert time.monotonic() - began < 30


async def test_a_timeout_of_the_handlers_own_is_not_the_time_limit() -> None:
    async def handler(ask: Ask, resources: Resources) -> Answer:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(60)
        return Answer(text="")

    outcome = await attempt_at(handler, time_limit=5).on_loop({"text": ""})
    assert outcome == Again(Failure(code="handler_error", message="The handler raised TimeoutError."))


async def test_a_handler_that_cancels_itself_has_failed() -> None:
    async def handler(ask: Ask, resources: Resources) -> Answer:
        raise asyncio.CancelledError

    outcome = await attempt_at(handler).on_loop({"text": ""})
    assert outcome == Again(Failure(code="handler_error", message="The handler raised CancelledError."))


async def test_a_cancelled_attempt_has_no_outcome() -> None:
    began = asyncio.Event()

    async def handler(ask: Ask, resources: Resources) -> Answer:
        began.set()
        await asyncio.sleep(60)
        return Answer(text="")

    running = asyncio.create_task(attempt_at(handler).on_loop({"text": ""}))
    await began.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 2), (2, 4), (3, 8), (4, 16), (9, 512), (10, 600), (1_000, 600), (5_000, 600)]
)
def test_the_back_off_doubles_up_to_its_limit(attempt: int, seconds: float) -> None:
    assert wait(Policy(), attempt, None, lambda: 0.0) == seconds


@pytest.mark.parametrize(("asked", "seconds"), [(0.0, 0.0), (3.5, 3.5), (86_400.0, 86_400.0), (-1.0, 0.0)])
def test_what_a_provider_asked_for_is_honoured(asked: float, seconds: float) -> None:
    assert wait(Policy(), 3, asked, lambda: 0.0) == seconds


def test_jitter_adds_up_to_a_quarter() -> None:
    waits = [wait(Policy(backoff=8), 1, None) for _ in range(2_000)]
    assert 8 <= min(waits) < 8.1
    assert 9.9 < max(waits) <= 10
    assert wait(Policy(), 1, 100, lambda: 1.0) == 125
