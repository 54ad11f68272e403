"""Calls that accept work: single tasks and batches."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from handoff_contracts.catalogue import AnyContract
from handoff_ledger.calls.base import Arg, Call, Limits, fields_of
from handoff_ledger.calls.queries import task_of
from handoff_ledger.errors import IdempotencyConflict, LedgerError, LedgerUnavailable, QueueFull
from handoff_ledger.ids import new_id
from handoff_ledger.records import Batch, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A task to accept, or a batch whose `payload` is the fields that all items share.

    `key` is the client's idempotency key or ''. `canonical` is the request's normal form, which the key stands for:
    equal requests have equal forms. `delay_ms` and `expires_ms` are 0 for none.

    Raises:
        ValueError: there is a key, but no canonical form.
    """

    contract: AnyContract
    payload: bytes
    queue: str
    priority: str = ""
    client: str = ""
    key: str = ""
    canonical: bytes = b""
    delay_ms: int = 0
    expires_ms: int = 0
    id: str = field(default_factory=new_id)

    def __post_init__(self) -> None:
        if self.key and not self.canonical:
            raise ValueError("a submission with a key has a canonical form")

    def args(self) -> tuple[Arg, ...]:
        """Returns the values of a task in the order of the function `accept` in accept.lua."""
        digest, fingerprint = "", ""
        if self.key:
            digest = idempotency_digest(self.client, self.key)
            fingerprint = _digest(self.contract.name.encode(), self.queue.encode(), self.canonical)
        contract = self.contract
        return (
            *(self.id, contract.name, contract.version, self.queue, self.priority, self.client),
            *(contract.policy.max_attempts, self.payload, digest, fingerprint, self.delay_ms, self.expires_ms),
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """The accepted task or batch.

    `replayed`: the idempotency key was known, so this is the task or batch of its first use, and `record` is its
    current record.
    """

    id: str
    created_ms: int
    replayed: bool
    record: Task | Batch | None = field(default=None, compare=False)


def accept(submissions: Sequence[Submission], limits: Limits) -> Call[list[Receipt | LedgerError]]:
    """Accepts tasks in one step. The value has a receipt or an error for each."""
    args = [arg for submission in submissions for arg in submission.args()]

    def parse(rows: list[Any]) -> list[Receipt | LedgerError]:
        return [_receipt(row, submission.queue) for row, submission in zip(rows, submissions, strict=True)]

    return Call("accept", [limits.queue, *args], parse)


def stage_packs(submission: Submission, packs: Sequence[tuple[bytes, int]], first: int, first_item: int) -> Call[None]:
    """Stores packs of a batch that `accept_batch` accepts later.

    `first` is the number of the first pack, and `first_item` the index of that pack's first item.
    """
    id, name, version, queue, priority, client, attempts, *_ = submission.args()
    head: list[Arg] = [id, first, first_item, name, version, queue, priority, client, attempts]
    return Call("stage_packs", [*head, *(arg for pack in packs for arg in pack)], lambda _: None)


def accept_batch(
    submission: Submission, packs: Sequence[tuple[bytes, int]], limits: Limits, staged: Sequence[tuple[bytes, int]] = ()
) -> Call[Receipt]:
    """Accepts a batch, whole or not at all.

    A pack is a JSON array of items, and their number. `staged` are the packs after `packs` that `stage_packs` has
    stored.
    """
    id, name, version, queue, priority, client, attempts, common, digest, fingerprint, _, _ = submission.args()
    total = sum(items for _, items in (*packs, *staged))
    count = len(packs) + len(staged)
    head: list[Arg] = [id, name, version, queue, priority, client, attempts, common, digest, fingerprint, total, count]

    def parse(row: list[Any]) -> Receipt:
        receipt = _receipt(row, submission.queue)
        if isinstance(receipt, LedgerError):
            raise receipt
        return receipt

    return Call("accept_batch", [limits.queue, *head, *(arg for pack in packs for arg in pack)], parse)


def idempotency_digest(client: str, key: str) -> str:
    """Returns a digest that two clients never share, so that one client's keys mean nothing to another."""
    return _digest(client.encode(), key.encode())


def _digest(*parts: bytes) -> str:
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8) + part)
    return digest.hexdigest()


def _receipt(row: list[Any], queue: str) -> Receipt | LedgerError:
    status, id, created, *known = row
    if status == "full":
        return QueueFull(queue)
    if status == "conflict":
        return IdempotencyConflict(id)
    if status == "unstaged":
        return LedgerUnavailable("Packs of the batch were gone before Redis could accept it.")
    return Receipt(id, created, replayed=status == "replayed", record=_record(id, *known) if known else None)


def _record(id: str, flat: list[str], outcome: str | None = None) -> Task | Batch:
    fields = fields_of(flat)
    return task_of(id, flat, outcome) if "state" in fields else Batch.from_fields(id, fields)
