"""Random lives of tasks, beside a model: whatever happens in whatever order, nothing is lost, doubled or miscounted.

`pytest tests/integration/ledger/test_machine.py --hypothesis-profile=thorough` tries 2,000 of them.
"""

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from hypothesis.strategies import DataObject, booleans, data, integers, lists, sampled_from

from handoff_ledger import Call, Claim, Refused, Stale, State, Submission, calls
from tests.integration.ledger.lab import ECHO, FAULT, LIMITS, ONCE, PUSH, TWICE, Lab
from tests.integration.ledger.model import Kept, Look

SINGLES = (ECHO, ONCE, TWICE)
OWNERS = sampled_from(["w1", "w2"])
REPLIES = sampled_from([1, 1, 2])  # how often a worker says it: twice when the first reply was lost
HOUR_MS = 3_600_000


class LedgerMachine(RuleBasedStateMachine):
    tasks = Bundle("tasks")
    claims = Bundle("claims")

    def __init__(self, lab: Lab) -> None:
        super().__init__()
        lab.redis.flushall()
        self.lab = lab
        self.kept: dict[str, Kept] = {}
        self.keys: dict[str, str] = {}
        self.served: set[str] = set()
        self.final: dict[str, Any] = {}
        self.fences: dict[str, int] = {}

    # How work comes in.

    def keep(self, task: Kept) -> str:
        self.kept[task.id] = task
        return task.id

    @rule(target=tasks, contract=sampled_from(SINGLES), delayed=booleans(), expiring=booleans())
    def submit(self, contract: Any, delayed: bool, expiring: bool) -> str:
        id = self.lab.submit(contract, delay_ms=delayed * HOUR_MS, expires_ms=expiring * 2 * HOUR_MS)
        return self.keep(Kept(id, contract, State.SCHEDULED if delayed else State.QUEUED, expiring=expiring))

    @rule(target=tasks, key=sampled_from("ab"))
    def submit_with_a_key(self, key: str) -> MultipleResults[str]:
        submission = Submission(contract=ECHO, payload=b"{}", queue="default", key=key)
        (receipt,) = self.lab.run(calls.accept([submission], LIMITS))
        assert not isinstance(receipt, Exception)
        assert receipt.replayed == (key in self.keys)
        assert receipt.id == self.keys.setdefault(key, receipt.id)
        return multiple() if receipt.replayed else multiple(self.keep(Kept(receipt.id, ECHO, State.QUEUED)))

    @rule(target=tasks, sizes=lists(integers(1, 3), min_size=1, max_size=3))
    def submit_batch(self, sizes: list[int]) -> MultipleResults[str]:
        batch = self.lab.batch(*sizes)
        packs = [Kept(f"{batch}.{n}", PUSH, State.QUEUED, size, batch) for n, size in enumerate(sizes)]
        return multiple(*map(self.keep, packs))

    # How it reaches a worker.

    def claimed(self, id: str, owner: str, version: int = 1) -> MultipleResults[Claim]:
        task = self.kept[id]
        runs = task.fence
        task.claim(owner, version)
        claim = self.lab.run(calls.claim(id, owner, task.contract if version == 1 else _newer(task), LIMITS))
        if task.fence == runs:
            assert claim == Refused(task.state)
            return multiple()
        assert isinstance(claim, Claim)
        assert (claim.fence, claim.attempt) == (task.fence, task.attempt)
        return multiple(claim)

    @rule(
        target=claims,
        queue=sampled_from(["default", "bulk"]),
        owner=OWNERS,
        fate=sampled_from(["once", "twice", "lost"]),
    )
    def deliver(self, queue: str, owner: str, fate: str) -> MultipleResults[Claim]:
        if not self.lab.redis.exists(queue):
            return multiple()
        id = self.lab.pop(queue)
        if fate == "lost":
            return multiple()
        first = self.claimed(id, owner)
        if fate == "twice":
            assert not self.claimed(id, "w3").values
        return first

    @rule(target=claims, id=tasks, owner=OWNERS, version=sampled_from([1, 1, 2]))
    def deliver_a_copy(self, id: str, owner: str, version: int) -> MultipleResults[Claim]:
        return self.claimed(id, owner, version)

    @rule(id=tasks)
    def park(self, id: str) -> None:
        task = self.kept[id]
        if task.state is State.QUEUED:
            task.go(State.PARKED)
        assert self.lab.run(calls.park(id)) == task.state

    # What its worker does.

    @rule(ids=lists(tasks, unique=True, max_size=4), owner=OWNERS)
    def renew(self, ids: list[str], owner: str) -> None:
        mine = [task for id in ids if (task := self.kept[id]).state is State.RUNNING and task.owner == owner]
        for task in mine:
            task.overdue = False
        assert self.lab.run(calls.renew(owner, ids)) == [task.id for task in mine if task.cancel]

    def said(self, call: Call[Any], expected: Any, times: int) -> None:
        for _ in range(times):
            try:
                assert self.lab.run(call) == expected
            except Stale:
                assert expected is Stale

    @rule(claim=claims, state=sampled_from([State.SUCCEEDED, State.FAILED, State.DEAD]), times=REPLIES, draw=data())
    def record(self, claim: Claim, state: State, times: int, draw: DataObject) -> None:
        task = self.kept[claim.id]
        if not task.batch or not task.todo:
            return
        at = draw.draw(lists(sampled_from(task.todo), unique=True, min_size=1))
        call = calls.record(claim, [(place, state, None) for place in at], LIMITS)
        if task.holds(claim):
            task.outcomes |= dict.fromkeys(at, state)
            self.said(call, not task.cancel, times)
        else:
            self.said(call, Stale, times)

    @rule(claim=claims, state=sampled_from([State.SUCCEEDED, State.FAILED, State.DEAD, State.CANCELLED]), times=REPLIES)
    def end(self, claim: Claim, state: State, times: int) -> None:
        task = self.kept[claim.id]
        if task.holds(claim):
            task.go(state)
        known = task.fence == claim.fence and task.state.ended
        succeeded = calls.finish(claim, b"null", LIMITS)
        call = succeeded if state is State.SUCCEEDED else calls.fail(claim, FAULT, LIMITS, state)
        self.said(call, task.state if known else Stale, times)

    @rule(claim=claims, times=REPLIES)
    def retry(self, claim: Claim, times: int) -> None:
        task = self.kept[claim.id]
        if task.holds(claim):
            task.fall(State.SCHEDULED)
        known = task.fence == claim.fence and (task.state.ended or task.state is State.SCHEDULED)
        self.said(calls.retry(claim, 3_600, FAULT, LIMITS), task.state if known else Stale, times)

    @rule(claim=claims)
    def give_back(self, claim: Claim) -> None:
        task = self.kept[claim.id]
        held = task.holds(claim)
        if held:
            task.attempt -= 1
            task.go(State.QUEUED)
        self.said(calls.give_back(claim), State.QUEUED if held else Stale, 1)

    @rule(id=tasks, owner=OWNERS)
    def die(self, id: str, owner: str) -> None:
        task = self.kept[id]
        held = task.state is State.RUNNING and task.owner == owner
        if held:
            task.fall(State.QUEUED)
        assert self.lab.run(calls.release(id, owner, LIMITS)) == (task.state if held else "stale")

    # What time does, and the reconciler after it.

    @rule(id=tasks)
    def time_passes(self, id: str) -> None:
        """A delay is over, or a lease that nobody renewed."""
        task = self.kept[id]
        task.overdue = task.overdue or task.state in {State.SCHEDULED, State.RUNNING}
        self.lab.come_due(id)
        self.lab.lapse(id)

    @rule(id=tasks)
    def patience_ends(self, id: str) -> None:
        """What was wanted until now has not ended."""
        task = self.kept[id]
        if task.expiring:
            task.expires = True
            self.lab.redis.hset(f"handoff:task:{id}", "expires", "1")
            self.lab.redis.zadd("handoff:expiring", {id: 1}, xx=True)

    @rule(contracts=lists(sampled_from([*SINGLES, PUSH]), unique=True))
    def announce(self, contracts: list[Any]) -> None:
        """The workers that live now know these contracts."""
        self.lab.redis.delete("handoff:serves", *(f"handoff:serves:{name}:1" for name in self.served))
        self.served = {contract.name for contract in contracts}
        self.lab.run(calls.announce("w1", 3_600, contracts, []))

    @rule()
    def sweep(self) -> None:
        for task in self.kept.values():
            task.sweep(self.served)
        self.lab.sweep()

    @rule()
    def lose_every_message(self) -> None:
        """Whatever became of messages, sweeps bring those back that are needed, each once."""
        self.lab.redis.delete("default", "bulk")
        self.sweep()
        self.lab.sweep_twice()
        for queue in ("default", "bulk"):
            queued = {task.id for task in self.kept.values() if task.index == f"handoff:queued:{queue}"}
            assert sorted(self.lab.messages(queue)) == sorted(queued)

    # What clients and operators do.

    @rule(id=tasks)
    def cancel(self, id: str) -> None:
        task = self.kept[id]
        if task.state is State.RUNNING:
            task.cancel = True
        elif not task.state.ended:
            task.go(State.CANCELLED)
        assert self.lab.run(calls.cancel(id, LIMITS)) is task.state

    @rule(id=tasks)
    def cancel_batch(self, id: str) -> None:
        batch = self.kept[id].batch
        if not batch:
            return
        packs = [task for task in self.kept.values() if task.batch == batch and not task.state.ended]
        assert self.lab.run(calls.cancel_batch(batch, LIMITS)) == len(packs)
        for pack in packs:
            if pack.state is State.RUNNING:
                pack.cancel = True
            else:
                pack.go(State.CANCELLED)

    @rule(id=tasks)
    def redrive(self, id: str) -> None:
        task = self.kept[id]
        task.redrive()
        if not task.state.ended:
            self.final.pop(id, None)
        assert self.lab.run(calls.redrive(id, LIMITS, "ops")) is task.state

    @rule()
    def ask_for_what_never_was(self) -> None:
        """No key of an unknown id appears: `holds` looks for them."""
        unknown = "0" * 26
        assert self.lab.run(calls.claim(unknown, "w1", ECHO, LIMITS)) == Refused("unknown")
        assert self.lab.run(calls.park(unknown)) == "unknown"
        assert self.lab.run(calls.release(unknown, "w1", LIMITS)) == "stale"
        assert self.lab.run(calls.renew("w1", [unknown])) == []
        for call in (calls.give_back(GHOST), calls.record(GHOST, [(0, State.FAILED, None)], LIMITS)):
            self.said(call, Stale, 1)

    # What always holds.

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
        assert look.ids("handoff:items:") == {task.id for task in self.kept.values() if task.outcomes}
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


GHOST = Claim("0" * 26, 1, 1, 1, "", "", [])


def _newer(task: Kept) -> Any:
    return replace(task.contract, version=2)


def test_no_order_of_events_breaks_the_ledger(lab: Lab) -> None:
    checks = settings(deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(lambda: LedgerMachine(lab), settings=checks)  # type: ignore[arg-type]  # any callable will do
