"""`celery worker` refuses options that prevent it from running tasks, or that break the promise."""

import sys
from collections.abc import Mapping
from pathlib import Path
from subprocess import run

import pytest

from stack import clean_environment

PREFORK = "Handoff runs tasks only in the processes of Celery's prefork pool: leave --pool (-P) out."
LIMITS = "leave --time-limit and --soft-time-limit out, and change `time_limit` there."
CUSTOM = {"CELERY_CUSTOM_WORKER_POOL": "celery.concurrency.thread:TaskPool"}
REFUSED: list[tuple[list[str], Mapping[str, str], str]] = [
    (["-P", "threads"], {}, PREFORK),
    (["--pool=solo"], {}, PREFORK),
    (["-P", "custom"], CUSTOM, PREFORK),
    (["-P", "gevent"], {}, PREFORK),
    (["-P", "eventlet"], {}, PREFORK),
    (["--pool-start-method=spawn"], {}, "leave --pool-start-method out."),
    (["--time-limit=5"], {}, LIMITS),
    (["--soft-time-limit=5"], {}, LIMITS),
    (["-X", "high,default,bulk,documents"], {}, "The worker has no queue: name one with --queues (-Q)"),
    (["--", "task.acks_late=on"], {}, "Handoff sets these settings of Celery itself: leave task_acks_late out."),
    (["--", "worker.disable_prefetch=off"], {}, "leave worker_disable_prefetch out."),
]
# Modules that `-P gevent` and `-P eventlet` import before the application, if they are installed.
GREEN = {
    "gevent/__init__.py": "",
    "gevent/monkey.py": "def patch_all(): ...",
    "gevent/signal.py": "",
    "eventlet/__init__.py": "def monkey_patch(): ...",
    "eventlet/debug.py": "",
    "greenlet.py": "class GreenletExit(BaseException): ...",
}


@pytest.mark.parametrize(("options", "settings", "sentence"), REFUSED, ids=[" ".join(row[0]) for row in REFUSED])
def test_a_worker_with_a_wrong_option_ends_before_it_is_ready(
    tmp_path: Path, options: list[str], settings: Mapping[str, str], sentence: str
) -> None:
    for name, text in GREEN.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    env = clean_environment() | {"CELERY_BROKER_URL": "redis://127.0.0.1:1/0", "PYTHONPATH": str(tmp_path), **settings}
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "handoff_worker", "worker", *options]
    answer = run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 2, answer.stderr[-2000:]
    assert sentence in answer.stderr
    assert "ready" not in answer.stdout + answer.stderr
