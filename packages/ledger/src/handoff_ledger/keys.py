"""The names of Redis keys and channels, one function for each of `scripts/lib/keys.lua`, which says what they hold."""

PREFIX = "handoff:"  # of every key and channel except Celery's
CELERY_RESULT_PREFIX = "celery-task-meta-"


def task(id: str) -> str:
    return f"handoff:task:{id}"


def payload(id: str) -> str:
    return f"handoff:payload:{id}"


def outcome(id: str) -> str:
    return f"handoff:outcome:{id}"


def items(id: str) -> str:
    return f"handoff:items:{id}"


def idempotency(digest: str) -> str:
    return f"handoff:key:{digest}"


def celery_result(id: str) -> str:
    return f"{CELERY_RESULT_PREFIX}{id}"


def batch(id: str) -> str:
    return f"handoff:batch:{id}"


def common(id: str) -> str:
    return f"handoff:common:{id}"


def batch_steps() -> str:
    return "handoff:batch_steps"


def staging() -> str:
    return "handoff:staging"


def staged() -> str:
    return "handoff:staged"


def queued(queue: str) -> str:
    return f"handoff:queued:{queue}"


def parked(contract_version: str) -> str:
    return f"handoff:parked:{contract_version}"


def parked_versions() -> str:
    return "handoff:parkings"


def state(state: str) -> str:
    """The index of the tasks that are running or scheduled, or have ended in this state."""
    return f"handoff:{state}"


def expiring() -> str:
    return "handoff:expiring"


def missing() -> str:
    return "handoff:missing"


def sequence() -> str:
    return "handoff:seq"


def served_contract(contract_version: str) -> str:
    return f"handoff:serves:{contract_version}"


def served_queue(queue: str) -> str:
    return f"handoff:serving:{queue}"


def worker(owner: str) -> str:
    return f"handoff:worker:{owner}"


def leader() -> str:
    return "handoff:leader"


def last_sweep() -> str:
    return "handoff:swept"


def lease_grace() -> str:
    return "handoff:amnesty"


def holds() -> str:
    return "handoff:holds"


def pace(channel: str) -> str:
    return f"handoff:pace:{channel}"


def gone_recipients() -> str:
    return "handoff:gone"


def actions() -> str:
    return "handoff:actions"


def stats() -> str:
    return "handoff:stats"


def events(id: str) -> str:
    """The channel on which scripts publish each new state of a task or a batch."""
    return f"handoff:events:{id}"
