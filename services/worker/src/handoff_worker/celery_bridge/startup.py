"""Refuses a worker whose options would make it run nothing, or break the promise, with a sentence for each."""

import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

from celery import Celery, signals
from celery.concurrency import get_implementation
from celery.concurrency.prefork import TaskPool

REFUSED_EXIT_CODE = 2  # as for a wrong setting


def connect(app: Celery, fixed: Mapping[str, object]) -> None:
    """Checks the application's worker when it starts. `fixed`: the settings of Celery that the promise rests on."""
    signals.worker_init.connect(partial(check, app, fixed), weak=False)


def check(app: Celery, fixed: Mapping[str, object], sender: Any, **_: object) -> None:
    """Ends the process, with a sentence for each fault, unless the worker can run tasks and keep the promise."""
    found = faults(sender, fixed) if sender.app is app else []
    for fault in found:
        sys.stderr.write(f"handoff: {fault}\n")
    if found:
        raise SystemExit(REFUSED_EXIT_CODE)


def faults(worker: Any, fixed: Mapping[str, object]) -> list[str]:
    """A sentence for each fault of a worker that Celery is about to set up; its options are read by then."""
    pool: object = get_implementation(worker.pool_cls)
    found = []
    if not (isinstance(pool, type) and issubclass(pool, TaskPool)) or not worker.use_eventloop:
        found.append("Handoff runs tasks in the processes of Celery's prefork pool alone: leave --pool (-P) out.")
    if worker.pool_start_method != "fork":
        found.append("Pool processes share memory with the worker that forks them: leave --pool-start-method out.")
    if worker.time_limit or worker.soft_time_limit:
        found.append(
            "The contract's policy sets the time limit of a task: leave --time-limit and --soft-time-limit out,"
            " and change `time_limit` there."
        )
    if not worker.app.amqp.queues.consume_from:
        found.append("The worker has no queue: name one with --queues (-Q) that --exclude-queues (-X) does not name.")
    if changed := [name for name, value in fixed.items() if worker.app.conf[name] != value]:
        found.append(f"Handoff sets these settings of Celery itself: leave {', '.join(changed)} out.")
    return found
