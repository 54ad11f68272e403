"""The targets, compared with the measured figures."""

from collections.abc import Mapping
from typing import NamedTuple

from bench.figures import Figures, as_text, table


class Target(NamedTuple):
    """`least`: the bound is a minimum, else a maximum."""

    what: str
    question: str
    subject: str
    measure: str
    bound: float
    least: bool

    def met(self, value: float) -> bool:
        return value >= self.bound if self.least else value <= self.bound


def least(what: str, question: str, subject: str, measure: str, bound: float) -> Target:
    return Target(what, question, subject, measure, bound, least=True)


def most(what: str, question: str, subject: str, measure: str, bound: float) -> Target:
    return Target(what, question, subject, measure, bound, least=False)


TARGETS = [
    least("Accepted, as a share of the bare route's rate", "accept", "Handoff", "of bare", 0.70),
    least("Accepted, as a multiple of the best peer's rate", "accept", "Handoff", "of best peer", 2),
    least("Accepted, as a multiple of the tutorial's rate", "accept", "Handoff", "of tutorial", 6),
    most("p99 of accepting, as a multiple of the bare route's", "accept", "Handoff", "p99 of bare", 3),
    least("Single tasks run, as a multiple of stock Celery's rate", "drain", "Handoff", "of Celery", 1),
    least("The same, second step", "drain", "Handoff", "of Celery", 2),
    most("A batch of 10,000 accepted, ms", "batch", "10,000 items", "server ms", 50),
    least("1,000,000 items of a batch run, items/s", "batch", "1,000,000 items", "run/s", 20_000),
    least("Pushes, as a multiple of firebase-admin's rate", "push", "Handoff", "of firebase-admin", 20),
    most("10,000 devices from the POST to the last delivery, s", "push", "Handoff", "end to end s", 3),
    most("Redis for an open task of 200 bytes, bytes", "backlog", "open task", "bytes", 1024),
    most("Redis for an open item of a chunk beyond payload, bytes", "backlog", "open item of a chunk", "bytes", 100),
    most("A POST, ratio of 1,000,000 open tasks to none", "backlog", "POST", "ratio", 1.10),
    most("A sweep, ratio of 1,000,000 open tasks to none", "backlog", "sweep in Redis", "ratio", 1.10),
    most("The API's RSS, MiB", "footprint", "API", "RSS MiB", 120),
    most("A pool process's RSS, MiB", "footprint", "pool process", "RSS MiB", 100),
    most("An idle worker's CPU, %", "footprint", "worker", "idle CPU %", 1),
    most("The API from exec to ready, s", "footprint", "API", "start s", 2),
    most("A worker from exec to ready, s", "footprint", "worker", "start s", 3),
    most("`make dev`: the API from a save to ready, s", "footprint", "API", "reload s", 3),
    most("`make dev`: the worker from a save to ready, s", "footprint", "worker", "reload s", 3),
]


def targets_table(results: Mapping[str, Figures]) -> str:
    """Return a table of the measured targets. A target without a figure counts as missed."""
    rows = []
    for target in TARGETS:
        if target.question in results:
            value = results[target.question].get(target.subject, {}).get(target.measure)
            bound = f"{'≥' if target.least else '≤'} {target.bound:,g}"
            met = value is not None and target.met(value)
            rows.append([target.what, as_text(value), bound, "yes" if met else "no"])
    return table(["target", "measured", "bound", "met"], rows)
