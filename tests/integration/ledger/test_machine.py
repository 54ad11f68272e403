"""Random lives of tasks, beside a model: whatever happens in whatever order, nothing is lost, doubled or miscounted.

`pytest tests/integration/ledger/test_machine.py --hypothesis-profile=thorough` tries 2,000 of them.
"""

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import initialize, rule, run_state_machine_as_test
from hypothesis.strategies import integers, lists, sampled_from

from handoff_contracts import Contract
from handoff_ledger import Call, Claim, ClaimRefused, Stale, State, calls, keys
from tests.integration.ledger.lab import ECHO, FAULT, LIMITS, PUSH, Lab
from tests.integration.ledger.machine import PICKS, SINGLES, Clients, Pick
from tests.integration.ledger.model import Kept

OWNERS = sampled_from(["w1", "w2"])
FATES = sampled_from([1, 1, 1, 2, 0])
REPLIES = sampled_from([1, 1, 2])  # how often a worker says it: twice when the first reply was lost
PLACES = lists(integers(0, 2), unique=True, min_size=1)  # of items in a pack
GHOST = Claim("0" * 26, 1, 1, 1, "", "", [])


class LedgerMachine(Clients):
    """Workers claim, work, fail and die; time passes; sweeps put right."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        self.claims: list[Claim] = []
        self.served: set[str] = set()

    @initialize()
    def begin(self) -> None:
        """There is a task and a claim before the first step, so each step can always be drawn."""
        self.sweep()
        self.ask_for_what_never_was()
        self.submit(0, False, False)
        self.arrive(self.task(Pick(0, True)), "w1")

    def claim(self, pick: Pick, *, of: Contract[Any, Any] | None = None) -> tuple[Claim, Kept]:
        """Of the contract, if there are any; mostly one that is held."""
        claims = [claim for claim in self.claims if self.kept[claim.id].contract is of] or self.claims
        claim = pick.of([claim for claim in claims if self.kept[claim.id].holds(claim)], claims)
        return claim, self.kept[claim.id]

    def arrive(self, task: Kept, owner: str, version: int = 1) -> None:
        runs = task.fence
        task.claim(owner, version)
        claim = self.lab.run(calls.claim(task.id, owner, replace(task.contract, version=version), LIMITS))
        if task.fence == runs:
            assert claim == ClaimRefused(task.state)
        else:
            assert isinstance(claim, Claim)
            assert (claim.fence, claim.attempt) == (task.fence, task.attempt)
            self.claims.append(claim)

    @rule(queue=sampled_from(["default", "bulk"]), owner=OWNERS, fates=lists(FATES, min_size=1, max_size=5))
    def deliver(self, queue: str, owner: str, fates: list[int]) -> None:
        """Messages reach a worker, some twice; some are lost with the worker that popped them."""
        for times in fates[: self.lab.redis.llen(queue)]:
            task = self.kept[self.lab.pop(queue)]
            for _ in range(times):
                self.arrive(task, owner)

    @rule(pick=PICKS, owner=OWNERS, version=sampled_from([1, 1, 1, 2]))
    def deliver_a_copy(self, pick: Pick, owner: str, version: int) -> None:
        self.arrive(self.task(pick, State.QUEUED), owner, version)

    @rule(pick=PICKS)
    def park(self, pick: Pick) -> None:
        task = self.task(pick)
        if task.state is State.QUEUED:
            task.go(State.PARKED)
        assert self.lab.run(calls.park(task.id)) == task.state

    @rule(owner=OWNERS, most=integers(1, 9))
    def renew(self, owner: str, most: int) -> None:
        ids = list(self.kept)[-most:]
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

    @rule(pick=PICKS, places=PLACES, state=sampled_from([State.SUCCEEDED, State.FAILED, State.DEAD]), times=REPLIES)
    def record(self, pick: Pick, places: list[int], state: State, times: int) -> None:
        claim, task = self.claim(pick, of=PUSH)
        at = [place for place in places if place in task.todo] or task.todo
        if not task.batch or not at:
            return
        call = calls.record(claim, [(place, state, b"null") for place in at])
        if task.holds(claim):
            task.outcomes |= dict.fromkeys(at, state)
            task.recorded = True
            self.said(call, not task.cancel, times)
        else:
            self.said(call, Stale, times)

    @rule(pick=PICKS, state=sampled_from([State.SUCCEEDED, State.FAILED, State.DEAD, State.CANCELLED]), times=REPLIES)
    def end(self, pick: Pick, state: State, times: int) -> None:
        claim, task = self.claim(pick)
        if task.holds(claim):
            task.go(state)
        known = task.fence == claim.fence and task.state.ended
        succeeded = calls.finish(claim, b"null", LIMITS)
        call = succeeded if state is State.SUCCEEDED else calls.fail(claim, FAULT, LIMITS, state)
        self.said(call, task.state if known else Stale, times)

    @rule(pick=PICKS, queues=sampled_from([["default", "bulk"], ["bulk", "default"]]), times=REPLIES)
    def end_and_go_on(self, pick: Pick, queues: list[str], times: int) -> None:
        """One more is taken, or else none: each that was is a claim of the model's, too."""
        claim, task = self.claim(pick)
        following = self.follower(task, queues) if task.holds(claim) else None
        if task.holds(claim):
            task.go(State.SUCCEEDED)
        if following:
            following.claim(task.owner, 1)
            taken = self.lab.run(calls.finish_and_claim(claim, b"null", LIMITS, queues))
            assert isinstance(taken, Claim)
            assert (taken.id, taken.fence, taken.attempt) == (following.id, following.fence, following.attempt)
            self.claims.append(taken)
        known = task.fence == claim.fence and task.state.ended
        if times > 1 or not following:
            self.said(calls.finish_and_claim(claim, b"null", LIMITS, queues), task.state if known else Stale, 1)

    def follower(self, task: Kept, queues: list[str]) -> Kept | None:
        mine = task.contract.queue.name
        if any(self.lab.redis.llen(queue) for queue in queues[: queues.index(mine)]) or not self.lab.messages(mine):
            return None
        next = self.kept[self.lab.messages(mine)[0]]
        plain = next.state is State.QUEUED and not (next.cancel or next.expires)
        return next if plain and next.contract is task.contract else None

    @rule(pick=PICKS, times=REPLIES)
    def retry(self, pick: Pick, times: int) -> None:
        claim, task = self.claim(pick)
        if task.holds(claim):
            task.fall(State.SCHEDULED)
        known = task.fence == claim.fence and (task.state.ended or task.state is State.SCHEDULED)
        self.said(calls.retry(claim, 3_600, FAULT, LIMITS), task.state if known else Stale, times)

    @rule(pick=PICKS)
    def give_back(self, pick: Pick) -> None:
        claim, task = self.claim(pick)
        held = task.holds(claim)
        if held:
            task.attempt -= 1
            task.go(State.QUEUED)
        self.said(calls.give_back(claim), State.QUEUED if held else Stale, 1)

    @rule(pick=PICKS, owner=OWNERS)
    def die(self, pick: Pick, owner: str) -> None:
        task = self.task(pick, State.RUNNING)
        held = task.state is State.RUNNING and task.owner == owner
        if held:
            task.fall(State.QUEUED)
        assert self.lab.run(calls.release(task.id, owner, LIMITS)) == (task.state if held else "stale")

    @rule(state=sampled_from([State.SCHEDULED, State.RUNNING]), most=integers(1, 5))
    def time_passes(self, state: State, most: int) -> None:
        """Delays are over, or leases that nobody renewed."""
        for task in [task for task in self.kept.values() if task.state is state][:most]:
            task.overdue = True
            self.lab.come_due(task.id)
            self.lab.expire_leases(task.id)

    @rule(pick=PICKS)
    def patience_ends(self, pick: Pick) -> None:
        """What was wanted until now has not ended."""
        task = self.task(pick)
        if task.expiring:
            task.expires = True
            self.lab.redis.hset(keys.task(task.id), "expires", "1")
            self.lab.redis.zadd(keys.expiring(), {task.id: 1}, xx=True)

    @rule(contracts=lists(sampled_from([*SINGLES, PUSH]), unique=True))
    def announce(self, contracts: list[Any]) -> None:
        """The workers that live now know these contracts."""
        for name in self.served:
            self.lab.redis.delete(keys.served_contract(f"{name}:1"))
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
            queued = {task.id for task in self.kept.values() if task.index == keys.queued(queue)}
            assert sorted(id for id in self.lab.messages(queue) if id in queued) == sorted(queued)

    @rule()
    def ask_for_what_never_was(self) -> None:
        """No key of an unknown id appears: `holds` looks for them."""
        unknown = "0" * 26
        assert self.lab.run(calls.claim(unknown, "w1", ECHO, LIMITS)) == ClaimRefused("unknown")
        assert self.lab.run(calls.park(unknown)) == "unknown"
        assert self.lab.run(calls.release(unknown, "w1", LIMITS)) == "stale"
        assert self.lab.run(calls.renew("w1", [unknown])) == []
        for call in (calls.give_back(GHOST), calls.record(GHOST, [(0, State.FAILED, b"null")])):
            self.said(call, Stale, 1)


def test_no_order_of_events_breaks_the_ledger(lab: Lab) -> None:
    checks = settings(deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(lambda: LedgerMachine(lab), settings=checks)  # type: ignore[arg-type]  # any callable will do
