"""How work comes in: single tasks and batches."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from handoff_contracts.catalogue import AnyContract
from handoff_ledger.calls.base import Arg, Call, Limits
from handoff_ledger.errors import IdempotencyConflict, LedgerError, QueueFull
from handoff_ledger.ids import new_id

KEY_LIFE_MS = 24 * 60 * 60 * 1000  # an idempotency key is remembered for a day


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A task to accept. Delay and expiry in ms, 0 for none; `key` is the client's idempotency key or ''."""

    contract: AnyContract
    payload: bytes
    queue: str
    priority: str = ""
    client: str = ""
    key: str = ""
    delay_ms: int = 0
    expires_ms: int = 0
    id: str = field(default_factory=new_id)

    def args(self) -> tuple[Arg, ...]:
        key, fingerprint = "", ""
        if self.key:
            key = idempotency(self.client, self.key)
            fingerprint = _digest(self.contract.name.encode(), self.queue.encode(), self.payload)
        contract = self.contract
        return (
            *(self.id, contract.name, contract.version, self.queue, self.priority, self.client),
            *(contract.policy.attempts, self.payload, key, fingerprint, self.delay_ms, self.expires_ms),
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a submission. `replayed`: the key was known, this is the first answer's task."""

    id: str
    created_ms: int
    replayed: bool


def accept(submissions: Sequence[Submission], limits: Limits) -> Call[list[Receipt | LedgerError]]:
    """Accepts tasks in one step; each has a receipt or its own error."""
    args = [arg for submission in submissions for arg in submission.args()]

    def parse(rows: list[Any]) -> list[Receipt | LedgerError]:
        return [_receipt(row, submission.queue) for row, submission in zip(rows, submissions, strict=True)]

    return Call("accept", [limits.queue, KEY_LIFE_MS, *args], parse)


def accept_batch(submission: Submission, packs: Sequence[tuple[bytes, int]], limits: Limits) -> Call[Receipt]:
    """Accepts a batch whole or not at all. Its payload is `common`; a pack is a JSON array of items, and its length."""
    id, name, version, queue, priority, client, attempts, common, key, fingerprint, _, _ = submission.args()
    if key:
        items = b",".join(payload[1:-1] for payload, _ in packs)  # the same whatever the contract's packs hold by then
        fingerprint = _digest(str(fingerprint).encode(), b"[%b]" % items)
    total = sum(items for _, items in packs)
    head: list[Arg] = [id, name, version, queue, priority, client, attempts, common, key, fingerprint, total]

    def parse(row: list[Any]) -> Receipt:
        receipt = _receipt(row, submission.queue)
        if isinstance(receipt, LedgerError):
            raise receipt
        return receipt

    return Call("accept_batch", [limits.queue, KEY_LIFE_MS, *head, *(arg for pack in packs for arg in pack)], parse)


def idempotency(client: str, key: str) -> str:
    """The ledger's key for a client's idempotency key: one client's keys mean nothing to another."""
    return "handoff:key:" + _digest(client.encode(), key.encode())


def _digest(*parts: bytes) -> str:
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8) + part)
    return digest.hexdigest()


def _receipt(row: list[Any], queue: str) -> Receipt | LedgerError:
    verdict, id, created = row
    if verdict == "full":
        return QueueFull(queue)
    if verdict == "conflict":
        return IdempotencyConflict(id)
    return Receipt(id, created, replayed=verdict == "replayed")
