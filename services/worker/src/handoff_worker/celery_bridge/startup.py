"""Refuses to start a worker with options that prevent it from running tasks, or that break the promise."""

import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

from celery import Celery, signals
from celery.concurrency import get_implementation
from celery.concurrency.prefork import TaskPool

REFUSED_EXIT_CODE = 2  # the same as for an invalid setting


def connect(app: Celery, fixed: Mapping[str, object]) -> None:
    """Checks the options when the application's worker starts. `fixed`: Celery settings that must stay unchanged."""
    signals.worker_init.connect(partial(check, app, fixed), weak=False)


def check(app: Celery, fixed: Mapping[str, object], sender: Any, **_: object) -> None:
    """Writes a sentence for each wrong option to standard error.

    Raises:
        SystemExit: an option is wrong.
    """
    errors = find_errors(sender, fixed) if sender.app is app else []
    for error in errors:
        sys.stderr.write(f"handoff: {error}\n")
    if errors:
        raise SystemExit(REFUSED_EXIT_CODE)


def find_errors(worker: Any, fixed: Mapping[str, object]) -> list[str]:
    """Returns a sentence for each wrong option of a worker. Celery has parsed the options, and set up nothing yet."""
    pool: object = get_implementation(worker.pool_cls)
    errors = []
    if not (isinstance(pool, type) and issubclass(pool, TaskPool)) or not worker.use_eventloop:
        errors.append("Handoff runs tasks only in the processes of Celery's prefork pool: leave --pool (-P) out.")
    if worker.pool_start_method != "fork":
        errors.append("Pool processes share memory with the worker that forks them: leave --pool-start-method out.")
    if worker.time_limit or worker.soft_time_limit:
        errors.append(
            "The contract's policy sets the time limit of a task: leave --time-limit and --soft-time-limit out,"
            " and change `time_limit` there."
        )
    if not worker.app.amqp.queues.consume_from:
        errors.append("The worker has no queue: name one with --queues (-Q) that --exclude-queues (-X) does not name.")
    if changed := [name for name, value in fixed.items() if worker.app.conf[name] != value]:
        errors.append(f"Handoff sets these settings of Celery itself: leave {', '.join(changed)} out.")
    return errors
