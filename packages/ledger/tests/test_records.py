"""What the ledger's fields read as."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from handoff_ledger import Batch, Failure, Progress, State, Task
from handoff_ledger.records import instant

FIELDS = {
    "contract": "push.send",
    "version": "1",
    "state": "queued",
    "queue": "bulk",
    "client": "shop",
    "attempts": "5",
    "created": "1700000000123",
}
CREATED = datetime(2023, 11, 14, 22, 13, 20, 123_000, UTC)


def test_a_task_that_was_just_accepted() -> None:
    task = Task.from_fields("id", FIELDS, {})
    assert task == Task(
        id="id",
        contract="push.send",
        version=1,
        state=State.QUEUED,
        queue="bulk",
        attempt=0,
        max_attempts=5,
        created_at=CREATED,
    )


def test_a_task_that_has_seen_everything() -> None:
    fields = FIELDS | {
        "state": "dead",
        "priority": "high",
        "batch": "b",
        "items": "250",
        "done": "7",
        "attempt": "5",
        "due": "1700000000124",
        "started": "1700000000125",
        "finished": "1700000000126",
        "expires": "1700000000127",
        "cancel": "1",
    }
    task = Task.from_fields("id", fields, {"error": {"code": "gone", "message": "It is gone."}})
    assert task.state is State.DEAD
    assert (task.priority, task.batch, task.attempt, task.cancel_requested) == ("high", "b", 5, True)
    assert task.progress == Progress(done=7, total=250)
    assert task.error == Failure(code="gone", message="It is gone.")
    times = [task.due_at, task.started_at, task.finished_at, task.expires_at]
    assert times == [CREATED + timedelta(milliseconds=later) for later in (1, 2, 3, 4)]


@pytest.mark.parametrize("result", [None, 0, "", [], {"category": "delivered"}])
def test_a_result_is_given_as_it_was(result: object) -> None:
    task = Task.from_fields("id", FIELDS | {"state": "succeeded"}, {"result": result})
    assert task.result == result
    assert task.error is None


def test_a_task_shows_neither_its_client_nor_its_payload() -> None:
    assert "shop" not in Task.from_fields("id", FIELDS, {}).model_dump_json()


BATCH = FIELDS | {"priority": "", "total": "10", "open": "4", "packs": "2", "queued": "4", "succeeded": "6"}


def test_a_batch_counts_every_state() -> None:
    batch = Batch.from_fields("b", BATCH)
    assert set(batch.counts) == set(State)
    assert sum(batch.counts.values()) == batch.total == 10
    assert (batch.state, batch.priority, batch.finished_at) == ("open", None, None)
    ended = Batch.from_fields("b", BATCH | {"finished": "1700000000123", "priority": "high"})
    assert (ended.state, ended.priority, ended.finished_at) == ("ended", "high", CREATED)


def test_a_record_never_changes() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Task.from_fields("id", FIELDS, {}).state = State.DEAD  # type: ignore[misc]  # what the test is about


@pytest.mark.parametrize("state", State)
def test_a_state_is_open_or_ended(state: State) -> None:
    assert state.ended == (state in {"succeeded", "failed", "cancelled", "expired", "dead"})


@pytest.mark.parametrize("milliseconds", ["0", 1, "1700000000123", 253402300799999])
def test_instants_are_aware_and_exact(milliseconds: str | int) -> None:
    assert instant(milliseconds).tzinfo is UTC
    assert round(instant(milliseconds).timestamp() * 1000) == int(milliseconds)
