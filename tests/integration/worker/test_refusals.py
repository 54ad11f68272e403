"""A message of a task that must not run: the executor returns the reason, and calls no handler."""

import time
from dataclasses import replace

from handoff_ledger import State, SyncLedger, calls
from handoff_worker.binding import Binding
from handoff_worker.execution.executor import Executor
from services.worker.tests.support import resources
from tests.integration.worker.bench import LIMITS, Bench
from tests.integration.worker.runs import ASK, ME, Drain, Run, echo, unwanted


def test_an_unknown_task_is_refused(bench: Bench, run: Run) -> None:
    assert run("0" * 26, unwanted).refused == "unknown"


def test_a_running_task_is_refused(bench: Bench, run: Run) -> None:
    id = bench.accept(ASK, {})
    bench.ledger.run(calls.claim(id, "another worker", ASK, LIMITS))
    assert run(id, unwanted).refused == State.RUNNING


def test_a_cancelled_task_is_refused(bench: Bench, run: Run) -> None:
    id = bench.accept(ASK, {})
    bench.ledger.run(calls.cancel(id, LIMITS))
    assert run(id, unwanted).refused == State.CANCELLED


def test_an_ended_task_is_refused(bench: Bench, run: Run) -> None:
    id = bench.accept(ASK, {})
    run(id, echo)
    assert run(id, unwanted).refused == State.SUCCEEDED


def test_an_expired_task_is_refused(bench: Bench, run: Run) -> None:
    id = bench.accept(ASK, {}, expires_ms=1)
    time.sleep(0.01)  # until the ledger's clock has passed the expiry
    assert run(id, unwanted).refused == State.EXPIRED
    assert bench.task(id).state is State.EXPIRED


def test_another_version_is_parked(bench: Bench, run: Run) -> None:
    id = bench.accept(replace(ASK, version=2), {})
    assert run(id, unwanted).refused == State.PARKED
    assert bench.task(id).state is State.PARKED
    assert bench.task(id).attempt == 0


def test_without_redis_no_task_runs() -> None:
    nowhere = SyncLedger("redis://127.0.0.1:1/0")
    executor = Executor(nowhere, LIMITS, resources(), ME, Drain())
    assert executor.run(Binding(ASK, unwanted, True), "0" * 26).refused == "ledger_unavailable"
    executor.close()
