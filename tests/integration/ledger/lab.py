"""What the ledger's tests do again and again, said shortly."""

import asyncio
import json
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from pydantic_core import to_json
from redis import Redis

from handoff_contracts import CATALOGUE, QUEUES, Contract, Policy
from handoff_ledger import AsyncLedger, Batch, Call, Claim, Failure, Limits, State, Submission, Task, calls, keys
from process import wait_until

T = TypeVar("T")
AnyContract = Contract[Any, Any]

LIMITS = Limits()
ECHO: AnyContract = CATALOGUE["system.echo"]
PUSH: AnyContract = CATALOGUE["push.send"]
ONCE: AnyContract = replace(ECHO, name="lab.once", policy=Policy(max_attempts=1))
TWICE: AnyContract = replace(ECHO, name="lab.twice", policy=Policy(max_attempts=2))
FAULT = Failure(code="gone", message="The recipient is gone.")
FOREVER = 10**15  # ms


class Ledger(Protocol):
    """Either client."""

    def run(self, call: Call[T]) -> T: ...


class Looped:
    """An `AsyncLedger` on a loop of its own, so that one test serves both clients."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._ledger = AsyncLedger(url, LIMITS)

    def run(self, call: Call[T]) -> T:
        return self._runner.run(self._ledger.run(call))

    def close(self) -> None:
        self._runner.run(self._ledger.aclose())
        self._runner.close()


class Lab:
    """A ledger, and the Redis below it."""

    def __init__(self, redis: Redis, ledger: Ledger) -> None:
        self.redis = redis
        self.run = ledger.run
        self.more = False  # whether the last sweep left work for the next one

    def submit(self, contract: AnyContract = ECHO, payload: bytes = b'{"message":"hi"}', **fields: Any) -> str:
        """Accepts one task in its contract's queue. Gives its id."""
        queue = fields.pop("queue", contract.queue.name)
        submission = Submission(contract=contract, payload=payload, canonical=payload, queue=queue, **fields)
        (receipt,) = self.run(calls.accept([submission], LIMITS))
        if isinstance(receipt, Exception):
            raise receipt
        return receipt.id

    def batch(self, *sizes: int, contract: AnyContract = PUSH) -> str:
        """Accepts a batch with a pack of each size; its items are numbered. Gives its id."""
        submission = Submission(contract=contract, payload=b'{"title":"Hello"}', queue=contract.queue.name)
        starts = [sum(sizes[:number]) for number in range(len(sizes))]
        packs = [
            (to_json([{"token": str(start + at)} for at in range(size)]), size)
            for start, size in zip(starts, sizes, strict=True)
        ]
        return self.run(calls.accept_batch(submission, packs, LIMITS)).id

    def claim(self, id: str, contract: AnyContract = ECHO, owner: str = "w1") -> Claim:
        claim = self.run(calls.claim(id, owner, contract, LIMITS))
        assert isinstance(claim, Claim)
        return claim

    def claimed(self, contract: AnyContract = ECHO, owner: str = "w1", **fields: Any) -> Claim:
        """A new task that `owner` runs."""
        return self.claim(self.submit(contract, **fields), contract, owner)

    def ended(self, state: State) -> str:
        """A new task that has come to this end. Gives its id."""
        if state is State.CANCELLED:
            id = self.submit()
            self.run(calls.cancel(id, LIMITS))
        elif state is State.EXPIRED:
            id = self.submit(expires_ms=1)
            self.redis.hset(keys.task(id), "expires", "1")
            self.run(calls.claim(id, "w1", ECHO, LIMITS))
        elif state is State.DEAD:
            claim = self.claimed(ONCE)
            id = claim.id
            self.run(calls.retry(claim, 0, FAULT, LIMITS))
        else:
            claim = self.claimed()
            id = claim.id
            self.run(
                calls.finish(claim, b'{"message":"hi"}', LIMITS)
                if state is State.SUCCEEDED
                else calls.fail(claim, FAULT, LIMITS)
            )
        assert self.read(id).state is state
        return id

    def read(self, id: str) -> Task:
        return self.run(calls.read(id))

    def read_batch(self, id: str) -> Batch:
        return self.run(calls.read_batch(id))

    def counts(self, batch: str) -> dict[str, int]:
        """The states that any item of the batch is in."""
        return {state.value: count for state, count in self.read_batch(batch).counts.items() if count}

    def record(self, claim: Claim, *at: int, state: State = State.SUCCEEDED) -> bool:
        """Records outcomes of items of a pack."""
        value = to_json({"category": "delivered"} if state is State.SUCCEEDED else FAULT)
        return self.run(calls.record(claim, [(place, state, value) for place in at]))

    def sweep(
        self,
        owner: str = "r1",
        *,
        leads: int = 60_000,
        gap: int = FOREVER,
        amnesty: int = 1,
        grace: int = 1,
        most: int = 500,
        limits: Limits = LIMITS,
    ) -> dict[str, int]:
        """A sweep with times of its own, in ms; without others it forgives nothing and waits for nothing."""
        stock = calls.sweep(owner, limits)
        call = Call("sweep", [owner, leads, gap, amnesty, grace, most, limits.retention_ms, *QUEUES], stock.parse)
        done = self.run(call)
        self.more = bool(done.pop("more", 0))
        return done

    def sweep_twice(self, **times: int) -> dict[str, int]:
        """A sweep, and what another one does once the grace of unclaimed messages is over."""
        self.sweep(**times)  # type: ignore[arg-type]  # times are all integers
        start = self.redis.time()
        assert wait_until(lambda: self.redis.time() >= (start[0], start[1] + 2_000), 5)
        return self.sweep(**times)  # type: ignore[arg-type]  # times are all integers

    def expire_leases(self, *ids: str) -> None:
        """Ends the leases of running tasks."""
        self.redis.zadd(keys.state("running"), dict.fromkeys(ids, 1), xx=True)

    def come_due(self, *ids: str) -> None:
        self.redis.zadd(keys.state("scheduled"), dict.fromkeys(ids, 1), xx=True)

    def pop(self, queue: str = "default") -> str:
        """Takes the oldest message as a worker does that is killed before it has done anything. Gives its task's id."""
        message = self.redis.rpop(queue)
        assert isinstance(message, str)
        return id_of(message)

    def messages(self, queue: str = "default") -> list[str]:
        """The ids in the broker's list, the oldest first."""
        return [id_of(message) for message in reversed(self.redis.lrange(queue, 0, -1))]

    def indexes(self, id: str) -> list[str]:
        """The indexes of states that hold the task."""
        return [name for name in self.index_names() if self.redis.zscore(name, id) is not None]

    def index_names(self) -> list[str]:
        apart = {keys.expiring(), keys.missing(), keys.batch_steps(), keys.staging()}
        return sorted(name for name in self.redis.scan_iter("handoff:*", _type="zset") if name not in apart)

    def dump(self, *without: str) -> dict[str, Any]:
        """Everything that Redis holds, `without` some keys."""
        return {key: self.redis.dump(key) for key in self.redis.scan_iter("*") if key not in without}

    def commands(self) -> int:
        """How many commands Redis has run since CONFIG RESETSTAT, those of scripts included."""
        return sum(stat["calls"] for stat in self.redis.info("commandstats").values())


def id_of(message: str | bytes) -> str:
    id: str = json.loads(message)["headers"]["id"]
    return id
