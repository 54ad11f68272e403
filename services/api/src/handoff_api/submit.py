"""Accepting: one call of the ledger, and the task or the batch as it is then."""

import asyncio
from contextlib import suppress
from functools import partial

from handoff_api.batch_packing import Packed, pack
from handoff_api.options import BatchOptions, TaskOptions, idempotency_key, query
from handoff_api.payload_validator import Intake
from handoff_api.request_state import ApiRequest, State
from handoff_api.views import TaskLinks, TaskView
from handoff_ledger import Batch, LedgerUnavailable, Receipt, Submission, Task, UnknownTask
from handoff_ledger import State as TaskState
from handoff_ledger.calls import read
from handoff_ledger.records import instant

LARGE = 1 << 18  # bytes of a body that is checked in a thread, so that the loop goes on meanwhile


async def submit(state: State, submission: Submission, wait: int = 0) -> TaskView:
    """Accepts a task, and gives its state: at once, or when it has ended, or after `wait` seconds."""
    receipt = await state["ledger"].accept(submission)
    task = TaskView.of(receipt.record) if isinstance(receipt.record, Task) else _fresh(submission, receipt)
    if wait and not task.state.ended:
        latest = await _ended_within(state, receipt.id, wait)
        return TaskView.of(latest) if latest else task
    return task


async def submit_batch(state: State, submission: Submission, packed: Packed) -> Batch:
    """Accepts a batch."""
    receipt = await state["ledger"].accept_batch(submission, packed.packs)
    return receipt.record if isinstance(receipt.record, Batch) else _fresh_batch(submission, receipt, packed.total)


def submission(request: ApiRequest, intake: Intake, body: bytes) -> Submission:
    """A task from a request. Raises a `Problem` that names what is wrong with it."""
    options, contract = query(request, TaskOptions), intake.contract
    payload, key = intake.task(body), idempotency_key(request)
    return Submission(
        contract=contract,
        payload=intake.stored(payload),
        queue=options.queue(contract),
        priority=options.priority or "",
        client=request.state["client"],
        key=key,
        canonical=intake.canonical(payload) if key else b"",
        delay_ms=options.delay_ms,
        expires_ms=options.expires_ms,
    )


async def batch_submission(request: ApiRequest, intake: Intake, body: bytes) -> tuple[Submission, Packed]:
    """A batch from a request. Raises a `Problem` that names what is wrong with it."""
    options, contract = query(request, BatchOptions), intake.contract
    queue, key = options.queue(contract), idempotency_key(request)
    work = partial(pack, intake, body, keyed=bool(key))
    packed = await asyncio.to_thread(work) if len(body) > LARGE else work()
    head = Submission(
        contract=contract,
        payload=packed.common,
        queue=queue,
        priority=options.priority or "",
        client=request.state["client"],
        key=key,
        canonical=packed.canonical,
    )
    return head, packed


def has_ended(task: Task) -> bool:
    return task.state.ended


async def _ended_within(state: State, id: str, seconds: float) -> Task | None:
    """The task at its end, or after `seconds`; None when Redis was away all the time.

    Raises:
        LedgerUnavailable: the record of the task is gone, because Redis lost its data.
    """
    last, gone = None, False

    async def read_or_note() -> Task:
        nonlocal gone
        try:
            return await state["ledger"].run(read(id))
        except UnknownTask:
            gone = True
            raise

    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            async for task in state["watcher"].follow(id, read_or_note, has_ended):
                last = task
    if gone:
        raise LedgerUnavailable("Redis lost the record of the task.")
    return last


def _fresh(submission: Submission, receipt: Receipt) -> TaskView:
    """A task that was accepted right now, as reading it would give it."""
    created, delay, expires = receipt.created_ms, submission.delay_ms, submission.expires_ms
    return TaskView(
        id=receipt.id,
        contract=submission.contract.name,
        version=submission.contract.version,
        state=TaskState.SCHEDULED if delay else TaskState.QUEUED,
        queue=submission.queue,
        priority=submission.priority or None,
        attempt=0,
        max_attempts=submission.contract.policy.max_attempts,
        created_at=instant(created),
        due_at=instant(created + delay) if delay else None,
        expires_at=instant(created + expires) if expires else None,
        links=TaskLinks.to(receipt.id),
    )


def _fresh_batch(submission: Submission, receipt: Receipt, total: int) -> Batch:
    return Batch(
        id=receipt.id,
        contract=submission.contract.name,
        version=submission.contract.version,
        state="open",
        queue=submission.queue,
        priority=submission.priority or None,
        total=total,
        counts={state: total if state is TaskState.QUEUED else 0 for state in TaskState},
        created_at=instant(receipt.created_ms),
    )
