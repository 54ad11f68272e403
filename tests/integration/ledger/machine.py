"""The half of the state machine that clients and operators see, and what holds after every step."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import pytest
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from hypothesis.strategies import booleans, builds, integers, lists, sampled_from

from handoff_ledger import NotRedrivable, State, Submission, calls
from tests.integration.ledger.lab import ECHO, LIMITS, ONCE, PUSH, TWICE, Lab
from tests.integration.ledger.model import Kept, Look

T = TypeVar("T")
SINGLES = (ECHO, ONCE, TWICE)
HOUR_MS = 3_600_000


class Pick(NamedTuple):
    """Mostly one that fits, sometimes one that the step must not change.

    Drawn without a look at what there is. That depends on random ids and Redis's clock, and Hypothesis gives up on what
    it can't draw again.
    """

    number: int
    mostly: bool

    def of(self, fitting: Sequence[T], all: Sequence[T]) -> T:
        among = fitting if fitting and self.mostly else all
        return among[self.number % len(among)]


PICKS = builds(Pick, integers(0, 999), sampled_from([True, True, True, False]))


class Clients(RuleBasedStateMachine):
    """Tasks come in, are cancelled and redriven; `kept` is what the ledger should hold."""

    def __init__(self, lab: Lab) -> None:
        super().__init__()
        lab.redis.flushall()
        self.lab = lab
        self.kept: dict[str, Kept] = {}
        self.keys: dict[str, str] = {}
        self.final: dict[str, Any] = {}
        self.fences: dict[str, int] = {}

    def task(self, pick: Pick, *states: State) -> Kept:
        return pick.of([task for task in self.kept.values() if task.state in states], list(self.kept.values()))

    def keep(self, task: Kept) -> None:
        self.kept[task.id] = task

    @rule(number=sampled_from(range(len(SINGLES))), delayed=booleans(), expiring=booleans())
    def submit(self, number: int, delayed: bool, expiring: bool) -> None:
        contract = SINGLES[number]
        id = self.lab.submit(contract, delay_ms=delayed * HOUR_MS, expires_ms=expiring * 2 * HOUR_MS)
        self.keep(Kept(id, contract, State.SCHEDULED if delayed else State.QUEUED, expiring=expiring))

    @rule(key=sampled_from("ab"))
    def submit_with_a_key(self, key: str) -> None:
        submission = Submission(contract=ECHO, payload=b"{}", canonical=b"{}", queue="default", key=key)
        (receipt,) = self.lab.run(calls.accept([submission], LIMITS))
        assert not isinstance(receipt, Exception)
        assert receipt.replayed == (key in self.keys)
        assert receipt.id == self.keys.setdefault(key, receipt.id)
        if not receipt.replayed:
            self.keep(Kept(receipt.id, ECHO, State.QUEUED))

    @rule(sizes=lists(integers(1, 3), min_size=1, max_size=3))
    def submit_batch(self, sizes: list[int]) -> None:
        batch = self.lab.batch(*sizes)
        for number, size in enumerate(sizes):
            self.keep(Kept(f"{batch}.{number}", PUSH, State.QUEUED, size, batch))

    @rule(pick=PICKS)
    def cancel(self, pick: Pick) -> None:
        task = self.task(pick, State.RUNNING)
        if task.state is State.RUNNING:
            task.cancel = True
        elif not task.state.ended:
            task.go(State.CANCELLED)
        assert self.lab.run(calls.cancel(task.id, LIMITS)) is task.state

    @rule(pick=PICKS)
    def cancel_batch(self, pick: Pick) -> None:
        batch = self.task(pick, State.RUNNING).batch
        if not batch:
            return
        packs = [task for task in self.kept.values() if task.batch == batch and not task.state.ended]
        if not any(pack.todo for pack in packs):  # every item has its outcome, so the batch has ended
            packs = []
        assert self.lab.run(calls.cancel_batch(batch, LIMITS)) == (len(packs), False)
        for pack in packs:
            if pack.state is State.RUNNING:
                pack.cancel = True
            else:
                pack.go(State.CANCELLED)

    @rule(pick=PICKS)
    def redrive(self, pick: Pick) -> None:
        task = self.task(pick, State.DEAD, State.FAILED)
        if task.state in {State.DEAD, State.FAILED}:
            task.redrive()
            del self.final[task.id]
            self.lab.run(calls.redrive(task.id, LIMITS, "ops"))
        else:
            with pytest.raises(NotRedrivable):
                self.lab.run(calls.redrive(task.id, LIMITS, "ops"))

    @invariant()
    def holds(self) -> None:
        look = Look(self.lab.redis)
        for task in self.kept.values():
            record = look[f"handoff:task:{task.id}"]
            assert (record["state"], int(record.get("fence", 0)), int(record.get("attempt", 0))) == (
                task.state,
                task.fence,
                task.attempt,
            )
            assert look.places(task.id) == [task.index]
            assert int(record.get("fence", 0)) >= self.fences.get(task.id, 0), "a fence went back"
            self.fences[task.id] = int(record.get("fence", 0))
            if task.state.ended:
                assert self.final.setdefault(task.id, record) == record, "an ended task changed"
        self.no_stranger(look)
        self.batches_add_up(look)
        self.each_end_is_counted_once(look)

    def no_stranger(self, look: Look) -> None:
        batches = {task.batch for task in self.kept.values() if task.batch}
        assert look.ids("handoff:task:") == look.ids("handoff:payload:") == set(self.kept)
        assert look.ids("handoff:batch:") == look.ids("handoff:common:") == batches
        ended = {task.id for task in self.kept.values() if task.state.ended}
        assert look.ids("celery-task-meta-") == ended
        assert ended <= look.ids("handoff:outcome:") <= set(self.kept)
        assert look.ids("handoff:items:") == {task.id for task in self.kept.values() if task.recorded}
        assert {id for name in look.indexes for id in look[name]} <= set(self.kept)

    def batches_add_up(self, look: Look) -> None:
        for batch in look.ids("handoff:batch:"):
            record = look[f"handoff:batch:{batch}"]
            packs = [task for task in self.kept.values() if task.batch == batch]
            counts = sum((pack.counts for pack in packs), start=Counter[State]())
            assert {state: count for state in State if (count := int(record.get(state, 0)))} == counts
            assert sum(counts.values()) == int(record["total"])
            open_items = sum(count for state, count in counts.items() if not state.ended)
            assert int(record["open"]) == open_items
            assert ("finished" in record) == (open_items == 0)

    def each_end_is_counted_once(self, look: Look) -> None:
        ends = sum(
            (
                Counter({f"{task.contract.name} {state}": n for state, n in task.ends.items()})
                for task in self.kept.values()
            ),
            start=Counter[str](),
        )
        names = [f"{contract.name} {state}" for contract in (*SINGLES, PUSH) for state in State if state.ended]
        stats = look["handoff:stats"]
        assert {name: count for name in names if (count := int(stats.get(name, 0)))} == ends
