"""Celery's remote control commands: replaced, checked before they reach Celery, or refused with a reason.

`enable_events`, `heartbeat` and the commands of `celery inspect` stay Celery's. docs/operations.md lists all commands.
"""

import logging
import os
import signal
from collections.abc import Callable, Mapping
from typing import Any

from celery.worker.control import Panel, control_command

from handoff_contracts import QUEUES
from handoff_worker.celery_bridge.pool_process import PoolProcess
from handoff_worker.celery_bridge.revoke import Revoker
from handoff_worker.settings import Settings

log = logging.getLogger(__name__)
Reply = dict[str, object]
CELERY_COMMANDS: Mapping[str, Callable[..., Reply]] = dict(Panel.data)  # copied before `connect` replaces any
MAX_PROCESSES = 100  # in one command
REFUSED = {
    "disable_events": "Flower and `celery events` need the events of tasks, so events stay on.",
    "election": "Only the API accepts work, so no worker starts a task that an election names.",
    "pool_restart": "A running worker never reloads its code. Restart the worker: it gives back its running tasks.",
    "rate_limit": "Celery's rate limit would delay tasks in each worker. HANDOFF_PACE limits all workers together.",
    "revoke_by_stamped_headers": "No task was revoked: messages of Handoff have no stamped headers. Revoke by id.",
    "time_limit": "The contract's policy sets the time limit of a task: change `time_limit` there.",
}


def connect(settings: Settings, process: PoolProcess) -> None:
    """Replaces Celery's commands by Handoff's commands of the same name."""
    revoker = Revoker(settings, process)
    for name, command in (
        ("revoke", revoker.revoke),
        ("terminate", revoker.terminate),
        ("shutdown", shutdown),
        ("pool_grow", pool_grow),
        ("pool_shrink", pool_shrink),
        ("autoscale", autoscale),
        ("add_consumer", add_consumer),
        ("cancel_consumer", cancel_consumer),
    ):
        _replace(name, command)
    for name in REFUSED:
        _replace(name, _refusal(name))


def shutdown(state: Any, **_: object) -> Reply:
    """Shutdown worker(s), as SIGTERM does."""
    # Celery's own command sends no `worker_shutting_down`, so packs would run to their end, however long.
    os.kill(os.getpid(), signal.SIGTERM)
    return {"ok": "The worker stops when its tasks have ended, at the latest after HANDOFF_SOFT_SHUTDOWN seconds."}


def pool_grow(state: Any, n: Any = 1, **_: object) -> Reply:
    """Grow pool by n processes."""
    if not _is_whole(n, 1, MAX_PROCESSES):
        return {"error": f"A pool grows by 1 to {MAX_PROCESSES} processes at once."}
    return CELERY_COMMANDS["pool_grow"](state, n)


def pool_shrink(state: Any, n: Any = 1, **_: object) -> Reply:
    """Shrink pool by n processes that are idle."""
    pool = state.consumer.pool
    if not _is_whole(n, 1, pool.num_processes - 1):
        return {"error": f"The pool has {pool.num_processes} processes, and must keep at least one."}
    try:
        return CELERY_COMMANDS["pool_shrink"](state, n)
    except ValueError:  # Celery stopped the idle processes before it raised this
        return {"error": f"Too few processes were idle. The pool has {pool.num_processes} processes now."}


def autoscale(state: Any, max: Any = None, min: Any = None, **_: object) -> Reply:
    """Modify autoscale settings."""
    controller = state.consumer.controller
    scaler = controller.autoscaler
    if not scaler:
        return {"error": "The worker was started without --autoscale. `pool_grow` and `pool_shrink` change its pool."}
    maximum = scaler.max_concurrency if max is None else max
    minimum = scaler.min_concurrency if min is None else min
    if not _is_whole(maximum, 1, MAX_PROCESSES) or not _is_whole(minimum, 0, maximum):
        return {"error": f"`max` must be from 1 to {MAX_PROCESSES}, and `min` from 0 to `max`."}
    reply = CELERY_COMMANDS["autoscale"](state, maximum, minimum)
    controller.max_concurrency = maximum  # how many messages the worker takes; Celery leaves the old limit
    return reply


def add_consumer(state: Any, queue: Any, **_: object) -> Reply:
    """Consume from one of Handoff's queues."""
    if queue not in QUEUES:
        return {"error": f"Handoff's queues are {', '.join(QUEUES)}."}
    return CELERY_COMMANDS["add_consumer"](state, queue)


def cancel_consumer(state: Any, queue: Any, **_: object) -> Reply:
    """Stop consuming from a queue, unless it is the worker's last queue."""
    consumed = list(state.app.amqp.queues.consume_from)
    if queue not in consumed:
        return {"error": f"The worker consumes {', '.join(consumed)}."}
    if len(consumed) == 1:
        return {"error": "The worker consumes no other queue. `celery control shutdown` stops the worker."}
    return CELERY_COMMANDS["cancel_consumer"](state, queue)


def _refusal(name: str) -> Callable[..., Reply]:
    def refuse(state: Any, **_: object) -> Reply:
        log.warning("The worker refused a control command.", extra={"event": "control.refused", "command": name})
        reason = REFUSED[name]
        # For this command Celery's client raises KeyError when a reply has no `ok`.
        return {"ok": reason, "error": reason} if name == "revoke_by_stamped_headers" else {"error": reason}

    refuse.__doc__ = f"Refused: {REFUSED[name]}"
    return refuse


def _replace(name: str, command: Callable[..., Reply]) -> None:
    meta = Panel.meta[name]
    control_command(name=name, args=meta.args, signature=meta.signature, variadic=meta.variadic)(command)


def _is_whole(number: Any, minimum: int, maximum: int) -> bool:
    return type(number) is int and minimum <= number <= maximum
