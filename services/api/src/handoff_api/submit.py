"""Submission: turn a request into one call of the ledger, and return the accepted task or batch."""

import asyncio
from contextlib import suppress
from functools import partial

from handoff_api.batch_packing import PackedBatch, pack_batch
from handoff_api.options import BatchOptions, TaskOptions, idempotency_key, parse_options
from handoff_api.payload_validator import PayloadValidator
from handoff_api.request_state import ApiRequest, RequestState
from handoff_api.views import TaskLinks, TaskView
from handoff_ledger import Batch, LedgerUnavailable, Receipt, State, Submission, Task, UnknownTask
from handoff_ledger.calls import read
from handoff_ledger.records import instant

THREAD_BYTES = 1 << 18  # the API validates a larger body in a thread, so that the event loop serves other requests


async def submit_task(state: RequestState, submission: Submission, wait_seconds: int = 0) -> TaskView:
    """Accept a task. Return its state at once, or after it has ended, at the latest after `wait_seconds`."""
    receipt = await state["ledger"].accept(submission)
    task = TaskView.of(receipt.record) if isinstance(receipt.record, Task) else _new_task(submission, receipt)
    if wait_seconds and not task.state.ended:
        latest = await _wait_for_end(state, receipt.id, wait_seconds)
        return TaskView.of(latest) if latest else task
    return task


async def submit_batch(state: RequestState, submission: Submission, packed: PackedBatch) -> Batch:
    """Accept a batch and return its state."""
    receipt = await state["ledger"].accept_batch(submission, packed.packs)
    return receipt.record if isinstance(receipt.record, Batch) else _new_batch(submission, receipt, packed.total)


def read_task_submission(request: ApiRequest, validator: PayloadValidator, body: bytes) -> Submission:
    """Return the task in a request. Raises a `Problem` that names everything wrong with the request."""
    options, contract = parse_options(request, TaskOptions), validator.contract
    payload, key = validator.parse(body), idempotency_key(request)
    return Submission(
        contract=contract,
        payload=validator.stored_json(payload),
        queue=options.queue(contract),
        priority=options.priority or "",
        client=request.state["client"],
        key=key,
        canonical=validator.canonical_json(payload) if key else b"",
        delay_ms=options.delay_ms,
        expires_ms=options.expires_ms,
    )


async def read_batch_submission(
    request: ApiRequest, validator: PayloadValidator, body: bytes
) -> tuple[Submission, PackedBatch]:
    """Return the batch in a request. Raises a `Problem` that names everything wrong with the request."""
    options, contract = parse_options(request, BatchOptions), validator.contract
    queue, key = options.queue(contract), idempotency_key(request)
    pack = partial(pack_batch, validator, body, keyed=bool(key))
    packed = await asyncio.to_thread(pack) if len(body) > THREAD_BYTES else pack()
    submission = Submission(
        contract=contract,
        payload=packed.common,
        queue=queue,
        priority=options.priority or "",
        client=request.state["client"],
        key=key,
        canonical=packed.canonical,
    )
    return submission, packed


def has_ended(task: Task) -> bool:
    return task.state.ended


async def _wait_for_end(state: RequestState, id: str, seconds: float) -> Task | None:
    """Return the task at its end, or after `seconds`; None when Redis was away all the time.

    Raises:
        LedgerUnavailable: the task has no record any more, because Redis lost its data.
    """
    latest, lost = None, False

    async def read_record() -> Task:
        nonlocal lost
        try:
            return await state["ledger"].run(read(id))
        except UnknownTask:
            lost = True
            raise

    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            async for task in state["watcher"].follow(id, read_record, has_ended):
                latest = task
    if lost:
        raise LedgerUnavailable("Redis lost the record of the task.")
    return latest


def _new_task(submission: Submission, receipt: Receipt) -> TaskView:
    """Return the view of a task that the ledger just accepted, without reading its record."""
    created, delay, expires = receipt.created_ms, submission.delay_ms, submission.expires_ms
    return TaskView(
        id=receipt.id,
        contract=submission.contract.name,
        version=submission.contract.version,
        state=State.SCHEDULED if delay else State.QUEUED,
        queue=submission.queue,
        priority=submission.priority or None,
        attempt=0,
        max_attempts=submission.contract.policy.max_attempts,
        created_at=instant(created),
        due_at=instant(created + delay) if delay else None,
        expires_at=instant(created + expires) if expires else None,
        links=TaskLinks.to(receipt.id),
    )


def _new_batch(submission: Submission, receipt: Receipt, total: int) -> Batch:
    return Batch(
        id=receipt.id,
        contract=submission.contract.name,
        version=submission.contract.version,
        state="open",
        queue=submission.queue,
        priority=submission.priority or None,
        total=total,
        counts={state: total if state is State.QUEUED else 0 for state in State},
        created_at=instant(receipt.created_ms),
    )
