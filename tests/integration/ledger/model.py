"""What the ledger should hold: a plain model of tasks, and a look at Redis to compare it with."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from redis import Redis

from handoff_ledger import Claim, State, keys
from tests.integration.ledger.lab import AnyContract, id_of

# The sorted sets that are no index of a state.
APART = {keys.expiring(), keys.missing(), keys.batch_steps(), keys.staging()}


@dataclass
class Kept:
    """A task as it should be."""

    id: str
    contract: AnyContract = field(repr=False)
    state: State
    size: int = 1
    batch: str = ""
    expiring: bool = False  # waits in the index of those that expire
    expires: bool = False  # its time is over
    overdue: bool = False  # it is time for the sweep to move it: it is due, or its lease is over
    fence: int = 0
    attempt: int = 0
    owner: str = ""
    cancel: bool = False
    recorded: bool = False
    outcomes: dict[int, State] = field(default_factory=dict)
    ends: Counter[State] = field(default_factory=Counter)

    @property
    def index(self) -> str:
        if self.state is State.QUEUED:
            return keys.queued(self.contract.queue.name)
        if self.state is State.PARKED:
            return keys.parked(f"{self.contract.name}:{self.contract.version}")
        return keys.state(self.state)

    @property
    def todo(self) -> list[int]:
        return [at for at in range(self.size) if at not in self.outcomes]

    @property
    def counts(self) -> Counter[State]:
        return Counter(self.outcomes.values()) + Counter({self.state: len(self.todo)})

    def holds(self, claim: Claim) -> bool:
        return self.state is State.RUNNING and self.fence == claim.fence

    def go(self, state: State) -> State:
        self.state, self.overdue = state, False
        if state.ended:
            self.ends[state] += 1
            self.expiring = False
        return state

    def claim(self, owner: str, version: int) -> None:
        if self.state is not State.QUEUED:
            return
        if self.cancel:
            self.go(State.CANCELLED)
        elif self.expires:
            self.go(State.EXPIRED)
        elif version != self.contract.version:
            self.go(State.PARKED)
        else:
            self.go(State.RUNNING)
            self.fence, self.attempt, self.owner = self.fence + 1, self.attempt + 1, owner

    def fall(self, onto: State) -> State:
        """An attempt that came to nothing: `onto` is where it goes if it may be tried again."""
        if self.cancel:
            return self.go(State.CANCELLED)
        return self.go(State.DEAD if self.attempt >= self.contract.policy.max_attempts else onto)

    def redrive(self) -> None:
        self.outcomes = {at: state for at, state in self.outcomes.items() if state is not State.DEAD}
        self.attempt, self.cancel, self.expires = 0, False, False
        self.go(State.QUEUED)

    def sweep(self, served: Iterable[str]) -> None:
        if self.expiring and self.expires:
            self.expiring = False
            if self.state is not State.RUNNING and not self.state.ended:
                self.go(State.EXPIRED)
        if self.overdue and self.state is State.SCHEDULED:
            self.go(State.QUEUED)
        if self.overdue and self.state is State.RUNNING:
            self.fall(State.QUEUED)
        if self.state is State.PARKED and self.contract.name in served:
            self.go(State.QUEUED)


class Look:
    """All that Redis holds, at once."""

    def __init__(self, redis: Redis) -> None:
        self.keys = sorted(str(key) for key in redis.scan_iter("*", count=1_000))
        self._values: dict[str, Any] = {}
        with redis.pipeline(transaction=False) as pipeline:
            for key in self.keys:
                pipeline.type(key)
            kinds = dict(zip(self.keys, pipeline.execute(), strict=True))
            for key, kind in kinds.items():
                if kind == "hash":
                    pipeline.hgetall(key)
                elif kind == "zset":
                    pipeline.zrange(key, 0, -1)
                elif kind == "list":
                    pipeline.lrange(key, 0, -1)
                else:
                    pipeline.type(key)
            self._values = dict(zip(self.keys, pipeline.execute(), strict=True))
        self.indexes = [key for key, kind in kinds.items() if kind == "zset" and key not in APART]

    def __getitem__(self, key: str) -> Any:
        return self._values.get(key, {})

    def ids(self, kind: str) -> set[str]:
        return {key.removeprefix(kind) for key in self.keys if key.startswith(kind)}

    def places(self, id: str) -> list[str]:
        return [name for name in self.indexes if id in self[name]]

    def messages(self, queue: str) -> set[str]:
        return {id_of(message) for message in self[queue] or []}
