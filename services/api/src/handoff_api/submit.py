"""Accepting: one call of the ledger, and the task or the batch as it is then."""

import asyncio
from contextlib import suppress
from functools import partial

from handoff_api.intake import Intake, Packed
from handoff_api.options import BatchOptions, TaskOptions, idempotency_key, query
from handoff_api.state import ApiRequest, State
from handoff_api.views import TaskLinks, TaskView
from handoff_ledger import Batch, Receipt, Submission, Task
from handoff_ledger import State as TaskState
from handoff_ledger.calls import read, read_batch
from handoff_ledger.records import instant

LARGE = 1 << 18  # bytes of a body that is checked in a thread, so that the loop goes on meanwhile


async def submit(state: State, submission: Submission, wait: int = 0) -> TaskView:
    """Accepts a task, and gives it as it is: at once, or when it has ended, or after `wait` seconds."""
    receipt = await state["ledger"].accept(submission)
    if wait:
        ended = await _ended_within(state, receipt.id, wait)
        return TaskView.of(ended) if ended else _fresh(submission, receipt)
    if receipt.replayed:
        return TaskView.of(await state["ledger"].run(read(receipt.id)))
    return _fresh(submission, receipt)


async def submit_batch(state: State, submission: Submission, packed: Packed) -> Batch:
    """Accepts a batch."""
    ledger = state["ledger"]
    receipt = await ledger.accept_batch(submission, packed.packs)
    if receipt.replayed:
        return await ledger.run(read_batch(receipt.id))
    return _fresh_batch(submission, receipt, packed.total)


def submission(request: ApiRequest, intake: Intake, body: bytes) -> Submission:
    """A task from a request. Raises a `Problem` that names what is wrong with it."""
    options, contract = query(request, TaskOptions), intake.contract
    return Submission(
        contract=contract,
        payload=intake.task(body),
        queue=options.queue(contract),
        priority=options.priority or "",
        client=request.state["client"],
        key=idempotency_key(request),
        delay_ms=options.delay_ms,
        expires_ms=options.expires_ms,
    )


async def batch_submission(request: ApiRequest, intake: Intake, body: bytes) -> tuple[Submission, Packed]:
    """A batch from a request. Raises a `Problem` that names what is wrong with it."""
    options, contract = query(request, BatchOptions), intake.contract
    queue, key = options.queue(contract), idempotency_key(request)
    packed = await asyncio.to_thread(intake.batch, body) if len(body) > LARGE else intake.batch(body)
    head = Submission(
        contract=contract,
        payload=packed.common,
        queue=queue,
        priority=options.priority or "",
        client=request.state["client"],
        key=key,
    )
    return head, packed


def has_ended(task: Task) -> bool:
    return task.state.ended


async def _ended_within(state: State, id: str, seconds: float) -> Task | None:
    last = None
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            async for task in state["watcher"].follow(id, partial(state["ledger"].run, read(id)), has_ended):
                last = task
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
        attempts=submission.contract.policy.attempts,
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
