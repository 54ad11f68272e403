"""`python -m handoff_worker.probe ready|alive`: the readiness and the liveness probe of a worker.

ready: the file HANDOFF_WORKER_READY_FILE exists. alive: the worker touched that file lately. While Redis is away or
misconfigured the worker counts as alive, because a restart does not help. Exits with 0 for yes, 1 for no, 2 for a usage
error.
"""

import os
import sys
import time
from pathlib import Path

STALE_SECONDS = 120.0  # the worker touches the file every 10 s


def is_alive(file: Path) -> bool:
    """Whether the worker's event loop runs, or can't run because of Redis."""
    try:
        if time.time() - file.stat().st_mtime < STALE_SECONDS:
            return True
    except FileNotFoundError:
        pass
    return not redis_is_fit()


def redis_is_fit() -> bool:
    """Whether Redis serves everything that a worker needs."""
    # Imported here, because these modules cost more time than the rest of a probe.
    from handoff_common.settings import load
    from handoff_ledger import LedgerUnavailable
    from handoff_worker.settings import Settings

    try:
        load(Settings).redis_requirements.check()
    except LedgerUnavailable:
        return False
    return True


def main() -> int:
    """Runs the probe that the command line names, and returns its exit code."""
    name = os.environ.get("HANDOFF_WORKER_READY_FILE")
    arguments = sys.argv[1:]
    if not name or arguments not in (["ready"], ["alive"]):
        sys.stderr.write("usage: HANDOFF_WORKER_READY_FILE=... python -m handoff_worker.probe ready|alive\n")
        return 2
    file = Path(name)
    return 0 if (file.exists() if arguments == ["ready"] else is_alive(file)) else 1


if __name__ == "__main__":
    sys.exit(main())
