"""`python -m handoff_worker.probe ready|alive`: what a probe asks of a worker, cheap enough to be asked often.

ready: the file HANDOFF_WORKER_READY_FILE is there. alive: its last beat is fresh, or Redis serves no worker, which a
restart would not cure. Exits with 0 when it is so, with 1 when not, with 2 when it can't tell.
"""

import os
import sys
import time
from pathlib import Path

STALE_SECONDS = 120.0  # the file is touched every 10 s


def alive(file: Path) -> bool:
    """Whether the worker's loop turns, as far as Redis lets it."""
    try:
        if time.time() - file.stat().st_mtime < STALE_SECONDS:
            return True
    except FileNotFoundError:
        pass
    return not redis_serves()


def redis_serves() -> bool:
    """Whether Redis serves all that a worker needs. What this imports takes longer than all the rest."""
    from handoff_common.settings import load
    from handoff_ledger import LedgerUnavailable
    from handoff_worker.settings import Settings

    try:
        load(Settings).redis_requirements.check()
    except LedgerUnavailable:
        return False
    return True


def main() -> int:
    name = os.environ.get("HANDOFF_WORKER_READY_FILE")
    asked = sys.argv[1:]
    if not name or asked not in (["ready"], ["alive"]):
        sys.stderr.write("usage: HANDOFF_WORKER_READY_FILE=... python -m handoff_worker.probe ready|alive\n")
        return 2
    file = Path(name)
    return 0 if (file.exists() if asked == ["ready"] else alive(file)) else 1


if __name__ == "__main__":
    sys.exit(main())
