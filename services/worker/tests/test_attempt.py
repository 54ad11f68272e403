"""Every exception of a handler becomes an outcome, and neither log nor outcome quotes the payload."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from handoff_ledger import Failure
from handoff_worker.errors import Fail, RecipientGone, Retry, Snooze, Unknown
from handoff_worker.execution.attempt import BAD_PAYLOAD, BAD_RESULT, RESULT_LIMIT_BYTES
from handoff_worker.execution.interrupt import Interrupted
from handoff_worker.execution.outcomes import TIME_LIMIT, Failed, Outcome, RetryLater, Snoozed, Succeeded
from handoff_worker.resources import Resources
from services.worker.tests.support import SECRET, Answer, Ask, attempt_at

Body = Callable[[Ask], Any]
GONE = Failure(code="recipient_gone", message="The recipient is gone.")


async def run_sync(body: Body, payload: object) -> Outcome:
    def handler(ask: Ask, _: Resources) -> Any:
        return body(ask)

    return attempt_at(handler).run_sync(payload)


async def run_async(body: Body, payload: object) -> Outcome:
    async def handler(ask: Ask, _: Resources) -> Any:
        await asyncio.sleep(0)
        return body(ask)

    return await attempt_at(handler).run_async(payload)


@pytest.fixture(params=[run_sync, run_async])
def attempt(request: pytest.FixtureRequest) -> Any:
    """Runs a body as a sync and as an async handler: `await attempt(body, payload)`."""
    return request.param


def raises(error: Exception) -> Body:
    def body(_: Ask) -> Answer:
        raise error

    return body


async def test_a_result_is_json(attempt: Any) -> None:
    assert await attempt(lambda ask: Answer(text=ask.text * 2), {"text": "é"}) == Succeeded('{"text":"éé"}'.encode())


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Retry("busy"), RetryLater(Failure(code="busy", message="The handler asked for a retry."))),
        (Retry("busy", "Come back.", after=7.5), RetryLater(Failure(code="busy", message="Come back."), 7.5)),
        (Fail("gone"), Failed(Failure(code="gone", message="The handler reported a permanent failure."))),
        (RecipientGone("fcm:shop", "device"), Failed(GONE, gone=("fcm:shop", "device"))),
        (Snooze("paced", after=3, message="Wait."), Snoozed(Failure(code="paced", message="Wait."), 3)),
        (Unknown("lost", "Lost."), RetryLater(Failure(code="lost", message="Lost."))),
        (Interrupted(), RetryLater(TIME_LIMIT)),
    ],
)
async def test_each_error_has_its_outcome(attempt: Any, error: Exception, outcome: Outcome) -> None:
    assert await attempt(raises(error), {"text": ""}) == outcome


async def test_an_unexpected_exception_is_logged_without_its_text(
    attempt: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def body(ask: Ask) -> Answer:
        try:
            int(ask.text)
        except ValueError as error:
            raise RuntimeError(f"no number: {ask.text}") from error
        raise AssertionError

    with caplog.at_level(logging.DEBUG):
        outcome = await attempt(body, {"text": SECRET})
    assert outcome == RetryLater(Failure(code="handler_error", message="The handler raised RuntimeError."))
    (record,) = caplog.records
    assert record.exc_info is None
    logged = vars(record)
    assert (logged["event"], logged["contract"], logged["error"]) == ("handler.raised", "test.ask", "RuntimeError")
    assert logged["where"].startswith(f"{__file__}:")
    assert SECRET not in str(logged)


@pytest.mark.parametrize("payload", [{}, {"text": 1}, {"text": "", "more": SECRET}, [], None])
async def test_an_invalid_payload_never_reaches_the_handler(
    attempt: Any, payload: object, caplog: pytest.LogCaptureFixture
) -> None:
    assert await attempt(raises(AssertionError("it was handled")), payload) == Failed(BAD_PAYLOAD)
    assert caplog.records == []


class Stranger(BaseModel):
    text: str = ""


@pytest.mark.parametrize("result", [None, {"text": ""}, Stranger(), Answer(text="x" * RESULT_LIMIT_BYTES)])
async def test_an_invalid_result_fails(attempt: Any, result: object) -> None:
    assert await attempt(lambda _: result, {"text": ""}) == Failed(BAD_RESULT)


async def test_the_largest_result_fits(attempt: Any) -> None:
    text = "x" * (RESULT_LIMIT_BYTES - len('{"text":""}'))
    assert await attempt(lambda _: Answer(text=text), {"text": ""}) == Succeeded(f'{{"text":"{text}"}}'.encode())


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
    assert await attempt_at(handler, time_limit=0.05).run_async({"text": ""}) == RetryLater(TIME_LIMIT)
    assert cancelled
    assert time.monotonic() - began < 30


async def test_a_timeout_inside_the_handler_is_not_its_time_limit() -> None:
    async def handler(ask: Ask, resources: Resources) -> Answer:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(60)
        return Answer(text="")

    outcome = await attempt_at(handler, time_limit=5).run_async({"text": ""})
    assert outcome == RetryLater(Failure(code="handler_error", message="The handler raised TimeoutError."))


async def test_a_handler_that_cancels_itself_has_failed() -> None:
    async def handler(ask: Ask, resources: Resources) -> Answer:
        raise asyncio.CancelledError

    outcome = await attempt_at(handler).run_async({"text": ""})
    assert outcome == RetryLater(Failure(code="handler_error", message="The handler raised CancelledError."))


async def test_a_cancelled_attempt_has_no_outcome() -> None:
    began = asyncio.Event()

    async def handler(ask: Ask, resources: Resources) -> Answer:
        began.set()
        await asyncio.sleep(60)
        return Answer(text="")

    running = asyncio.create_task(attempt_at(handler).run_async({"text": ""}))
    await began.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
