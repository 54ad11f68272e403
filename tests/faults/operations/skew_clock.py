"""One worker's clock, hours off.

A `sitecustomize` shifts `time.time` and `time.time_ns` before anything is imported, in the worker's parent and so in
its pool. That covers what Python code reads through the module `time`: kombu, Celery, redis-py and Handoff itself.
`datetime.now` reads the kernel's clock in C and is not shifted; what runs a task uses it for log lines alone.
"""

from pathlib import Path

from stack import Worker

SKEWED = str(Path(__file__).parents[1] / "skewed")


def skew_clock(worker: Worker, hours: float) -> None:
    """Restarts the worker with its clock off; 0 puts it right again."""
    path = worker.env["PYTHONPATH"].removeprefix(f"{SKEWED}:")
    worker.env["PYTHONPATH"] = f"{SKEWED}:{path}" if hours else path
    worker.env["FAULTS_SKEW"] = str(hours * 3600)
    worker.restart()
