"""How work comes in: once, whole, and within the queue's bound."""

import json
from typing import Any

import pytest
from pydantic_core import to_json

from handoff_ledger import (
    IdempotencyConflict,
    LedgerError,
    Limits,
    QueueFull,
    Receipt,
    State,
    Submission,
    calls,
    keys,
)
from process import wait_until
from tests.integration.ledger.lab import ECHO, LIMITS, PUSH, Lab

TWO = Limits(queue=2)


def echo(text: str = "hi", **fields: Any) -> Submission:
    payload = to_json({"message": text})
    return Submission(contract=ECHO, payload=payload, canonical=payload, queue="default", **fields)


def push(*packs: bytes, **fields: Any) -> calls.Call[Receipt]:
    items = b",".join(pack[1:-1] for pack in packs)
    submission = Submission(contract=PUSH, payload=b"{}", canonical=b"[{},%b]" % items, queue="bulk", **fields)
    return calls.accept_batch(submission, [(pack, len(json.loads(pack))) for pack in packs], TWO)


def accept(lab: Lab, *submissions: Submission, limits: Limits = LIMITS) -> list[Receipt | LedgerError]:
    return lab.run(calls.accept(submissions, limits))


def test_a_task_is_recorded_indexed_and_published(both: Lab) -> None:
    submission = echo("secret", priority="high", client="shop")
    (receipt,) = accept(both, submission)
    assert isinstance(receipt, Receipt)
    assert (receipt.id, receipt.replayed) == (submission.id, False)
    task = both.read(receipt.id)
    assert (task.contract, task.version, task.state, task.queue) == ("system.echo", 1, State.QUEUED, "default")
    assert (task.attempt, task.max_attempts, task.priority) == (0, ECHO.policy.max_attempts, "high")
    assert round(task.created_at.timestamp() * 1000) == receipt.created_ms
    assert both.indexes(receipt.id) == [keys.queued("default")]
    assert both.messages() == [receipt.id]


def test_no_message_and_no_record_holds_the_payload(lab: Lab) -> None:
    id = lab.submit(payload=b'{"message":"secret"}', client="shop", key="order-1")
    lab.batch(2)
    for name in lab.redis.scan_iter("*", _type="list"):
        assert "secret" not in str(lab.redis.lrange(name, 0, -1))
    assert "secret" not in str(lab.redis.hgetall(keys.task(id)))
    assert lab.redis.get(keys.payload(id)) == '{"message":"secret"}'


def test_messages_wait_in_the_order_of_their_acceptance(both: Lab) -> None:
    several = [echo(str(number)) for number in range(50)]
    receipts = accept(both, *several)
    assert [receipt.id for receipt in receipts if isinstance(receipt, Receipt)] == [each.id for each in several]
    assert both.messages() == [each.id for each in several]
    assert both.redis.zrange(keys.queued("default"), 0, -1) == [each.id for each in several]


def test_a_delayed_task_has_no_message_yet(both: Lab) -> None:
    id = both.submit(delay_ms=90_000)
    task = both.read(id)
    assert task.state is State.SCHEDULED
    assert task.due_at is not None
    assert (task.due_at - task.created_at).total_seconds() == 90
    assert both.indexes(id) == [keys.state("scheduled")]
    assert both.messages() == []


def test_an_expiry_is_counted_from_the_acceptance(lab: Lab) -> None:
    task = lab.read(lab.submit(expires_ms=5_000))
    assert task.expires_at is not None
    assert (task.expires_at - task.created_at).total_seconds() == 5


@pytest.mark.parametrize("fields", [{}, {"delay_ms": 1_000}, {"priority": "high", "expires_ms": 1_000}], ids=str)
def test_a_key_that_is_known_gives_the_first_receipt(both: Lab, fields: dict[str, Any]) -> None:
    (first,) = accept(both, echo(client="shop", key="k", **fields))
    before = both.dump(keys.stats())
    (again,) = accept(both, echo(client="shop", key="k", **fields))
    assert isinstance(first, Receipt)
    assert again == Receipt(first.id, first.created_ms, replayed=True)
    assert both.dump(keys.stats()) == before


def test_a_key_is_known_at_once_within_one_step(lab: Lab) -> None:
    first, again, other = accept(lab, echo(key="k"), echo(key="k"), echo("other", key="k"))
    assert isinstance(first, Receipt)
    assert again == Receipt(first.id, first.created_ms, replayed=True)
    assert isinstance(other, IdempotencyConflict)
    assert lab.messages() == [first.id]


@pytest.mark.parametrize("text", ["hi", "another"])
def test_a_key_whose_record_is_gone_is_new(both: Lab, text: str) -> None:
    (first,) = accept(both, echo(key="k"))
    assert isinstance(first, Receipt)
    both.run(calls.finish(both.claim(first.id), b"null", Limits(retention_ms=1)))
    assert wait_until(lambda: not both.redis.exists(keys.task(first.id)), 5)
    (new,) = accept(both, echo(text, key="k"))
    assert isinstance(new, Receipt)
    assert (new.id != first.id, new.replayed) == (True, False)
    (again,) = accept(both, echo(text, key="k"))
    assert again == Receipt(new.id, new.created_ms, replayed=True)


def test_a_replay_gives_the_record_and_does_not_renew_the_key(both: Lab) -> None:
    (first,) = accept(both, echo(key="k"))
    assert isinstance(first, Receipt)
    both.run(calls.finish(both.claim(first.id), b'{"message":"hi"}', LIMITS))
    (name,) = both.redis.scan_iter("handoff:key:*")
    both.redis.pexpire(name, 60_000)
    (again,) = accept(both, echo(key="k"))
    assert isinstance(again, Receipt)
    assert again.record == both.read(first.id)
    assert both.redis.pttl(name) <= 60_000
    batch = both.run(push(b'[{"token":"a"}]', key="b"))
    assert both.run(push(b'[{"token":"a"}]', key="b")).record == both.read_batch(batch.id)


def test_a_key_is_forgotten_after_a_day(lab: Lab) -> None:
    lab.submit(client="shop", key="k")
    (name,) = lab.redis.scan_iter("handoff:key:*")
    assert 0 < lab.redis.pttl(name) <= 24 * 60 * 60 * 1000
    assert "shop" not in str(name)


def test_a_key_for_something_else_is_a_conflict(both: Lab) -> None:
    (first,) = accept(both, echo(client="shop", key="k"))
    assert isinstance(first, Receipt)
    before = both.dump(keys.stats())
    (other,) = accept(both, echo("else", client="shop", key="k"))
    assert isinstance(other, IdempotencyConflict)
    assert other.known == first.id
    with pytest.raises(IdempotencyConflict):
        both.run(push(b"[{}]", client="shop", key="k"))
    assert both.dump(keys.stats()) == before


def test_another_clients_key_is_another_key(both: Lab) -> None:
    receipts = accept(both, *(echo(client=client, key="k") for client in ("shop", "desk", "")))
    assert len({receipt.id for receipt in receipts if isinstance(receipt, Receipt)}) == 3


def test_a_batch_is_replayed_whole_or_conflicts(both: Lab) -> None:
    first = both.run(push(b'[{"token":"a"}]', b'[{"token":"b"}]', key="k"))
    before = both.dump(keys.stats())
    again = both.run(push(b'[{"token":"a"}]', b'[{"token":"b"}]', key="k"))
    assert again == Receipt(first.id, first.created_ms, replayed=True)
    assert both.run(push(b'[{"token":"a"},{"token":"b"}]', key="k")) == again  # packs may hold more by then
    for packs in [(b'[{"token":"a"}]', b'[{"token":"c"}]'), (b'[{"token":"a"}]',), (b'[{"token":"b"},{"token":"a"}]',)]:
        with pytest.raises(IdempotencyConflict):
            both.run(push(*packs, key="k"))
    assert both.dump(keys.stats()) == before


def test_what_is_sent_again_is_accepted_once(both: Lab) -> None:
    submission, batch = echo(), push(b'[{"token":"a"}]')
    first, receipt = accept(both, submission), both.run(batch)
    before = both.dump()
    assert accept(both, submission) == first
    assert both.run(batch) == receipt
    assert both.dump() == before


def test_a_full_queue_takes_no_more_and_leaves_no_trace(both: Lab) -> None:
    receipts = accept(both, echo("1"), echo("2"), limits=TWO)
    assert all(isinstance(receipt, Receipt) for receipt in receipts)
    before = both.dump()
    (refused,) = accept(both, echo("3", key="k", expires_ms=1_000), limits=TWO)
    assert isinstance(refused, QueueFull)
    assert refused.queue == "default"
    assert both.dump() == before
    both.claim(both.messages()[0])
    (taken,) = accept(both, echo("3", key="k", expires_ms=1_000), limits=TWO)
    assert isinstance(taken, Receipt)
    assert not taken.replayed


def test_delayed_tasks_are_bounded_as_well(lab: Lab) -> None:
    bounded = Limits(queue=1)
    first, second, third = accept(lab, echo(delay_ms=60_000), echo(delay_ms=60_000), echo(), limits=bounded)
    assert isinstance(first, Receipt)
    assert isinstance(second, QueueFull)
    assert isinstance(third, Receipt)


def test_each_of_one_step_has_its_own_answer(lab: Lab) -> None:
    several = [echo(), echo(), echo(), Submission(contract=PUSH, payload=b"{}", queue="bulk")]
    answers = accept(lab, *several, limits=TWO)
    assert [type(answer) for answer in answers] == [Receipt, Receipt, QueueFull, Receipt]
    assert lab.redis.hgetall(keys.stats()) == {f"{ECHO.name} accepted": "2", f"{PUSH.name} accepted": "1"}


def test_a_key_is_replayed_when_the_queue_is_full(lab: Lab) -> None:
    (first, _) = accept(lab, echo(key="k"), echo(), limits=TWO)
    (again,) = accept(lab, echo(key="k"), limits=TWO)
    assert isinstance(first, Receipt)
    assert again == Receipt(first.id, first.created_ms, replayed=True)


@pytest.mark.parametrize("packs", [3, 2])
def test_nothing_of_a_batch_is_accepted_by_a_full_queue(both: Lab, packs: int) -> None:
    if packs == 2:
        both.run(push(b"[{}]"))
    before = both.dump()
    with pytest.raises(QueueFull, match="bulk"):
        both.run(push(*[b"[{}]"] * packs, key="k"))
    assert both.dump() == before


def test_a_batch_is_recorded_as_packs(both: Lab) -> None:
    id = both.run(push(b'[{"token":"a"},{"token":"b"}]', b'[{"token":"c"}]', client="shop", priority="bulk")).id
    batch = both.read_batch(id)
    assert (batch.contract, batch.version, batch.state, batch.queue, batch.priority) == (
        "push.send",
        1,
        "open",
        "bulk",
        "bulk",
    )
    assert (batch.total, both.counts(id)) == (3, {"queued": 3})
    assert both.messages("bulk") == [f"{id}.0", f"{id}.1"]
    pack = both.read(f"{id}.1")
    assert (pack.batch, pack.state, pack.max_attempts) == (id, State.QUEUED, PUSH.policy.max_attempts)
    assert pack.progress is not None
    assert (pack.progress.done, pack.progress.total) == (0, 1)
