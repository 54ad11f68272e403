"""A stock Celery client sees how a task ended."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import Celery
from celery.result import AsyncResult

from handoff_ledger import State, calls, keys
from handoff_ledger.errors import TaskError
from handoff_ledger.scripts import load
from tests.integration.ledger.lab import LIMITS, Lab


@pytest.fixture
def celery(redis_url: str) -> Iterator[Celery]:
    app = Celery("stock", broker=redis_url, backend=redis_url, set_as_current=False)
    yield app
    app.close()


STATUS = {
    State.SUCCEEDED: "SUCCESS",
    State.FAILED: "FAILURE",
    State.DEAD: "FAILURE",
    State.CANCELLED: "REVOKED",
    State.EXPIRED: "REVOKED",
}


@pytest.mark.parametrize("state", STATUS)
def test_every_end_has_a_status_and_a_time(lab: Lab, celery: Celery, state: State) -> None:
    result: AsyncResult[Any] = AsyncResult(lab.ended(state), app=celery)
    assert result.ready()
    assert result.status == STATUS[state]
    assert isinstance(result.date_done, datetime)
    assert abs(datetime.now(UTC) - result.date_done) < timedelta(seconds=10)


@pytest.mark.parametrize(
    "json", [b'{"category":"delivered","n":[1,2.5,null]}', b"null", b'"}"', '"\u2028 \\" ü"'.encode(), b"0"]
)
def test_a_result_is_what_the_handler_gave(lab: Lab, celery: Celery, json: bytes) -> None:
    claim = lab.claimed()
    lab.run(calls.finish(claim, json, LIMITS))
    assert AsyncResult(claim.id, app=celery).get(timeout=5) == lab.read(claim.id).result


@pytest.mark.parametrize(
    ("state", "code"),
    [(State.FAILED, "gone"), (State.DEAD, "gone"), (State.CANCELLED, "cancelled"), (State.EXPIRED, "expired")],
)
def test_an_error_is_raised_by_its_code(lab: Lab, celery: Celery, state: State, code: str) -> None:
    result: AsyncResult[Any] = AsyncResult(lab.ended(state), app=celery)
    with pytest.raises(TaskError) as caught:
        result.get(timeout=5)
    assert caught.value.args == (code,)
    assert result.failed() == (STATUS[state] == "FAILURE")


def test_a_task_that_has_not_ended_is_pending(lab: Lab, celery: Celery) -> None:
    assert AsyncResult(lab.claimed().id, app=celery).status == "PENDING"


def test_who_waits_is_told_at_the_end(lab: Lab, celery: Celery) -> None:
    claim = lab.claimed()
    with lab.redis.pubsub() as channel:  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        channel.subscribe(keys.celery_result(claim.id), keys.events(claim.id))
        heard = channel.listen()
        assert {next(heard)["type"], next(heard)["type"]} == {"subscribe"}
        lab.run(calls.finish(claim, b"1", LIMITS))
        told = {message["channel"]: message["data"] for message in (next(heard), next(heard))}
    assert told[keys.events(claim.id)] == "succeeded"
    assert '"status":"SUCCESS"' in told[keys.celery_result(claim.id)]


@pytest.mark.parametrize(
    "day", ["2024-02-29", "2026-12-31", "2027-01-01", "2028-03-01", "2000-02-29", "2100-02-28", "2100-03-01"]
)
def test_a_date_is_that_of_the_calendar(lab: Lab, day: str) -> None:
    moment = datetime.fromisoformat(f"{day}T23:59:58+00:00")
    script = load("finish").text.replace(
        "local clock = redis.call('TIME')", f"local clock = {{ {int(moment.timestamp())}, 999999 }}"
    )
    head, _, _ = script.partition("-- Ends a running task")
    assert lab.redis.eval(f"{head}\nreturn iso_now()", 0) == moment.isoformat()
