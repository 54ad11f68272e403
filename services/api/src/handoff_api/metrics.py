"""All metrics of the API, and the conversion of the ledger's counts to Prometheus metrics."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from handoff_ledger import Call, QueueState
from handoff_ledger.calls import ChannelHold
from handoff_ledger.calls.base import fields_of

HTTP_BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.3, 0.5, 1.0, 2.5, 10.0, 30.0)
HTTP_REQUESTS = Counter("handoff_http_requests", "HTTP requests answered", ["method", "route", "status"])
HTTP_SECONDS = Histogram(
    "handoff_http_request_seconds",
    "Time from the request to the end of its answer",
    ["method", "route"],
    buckets=HTTP_BUCKETS_SECONDS,
)
HISTOGRAMS = {
    "start": ("handoff_task_start_seconds", "Time from when a task is due to its first attempt"),
    "run": ("handoff_task_run_seconds", "Duration of one attempt"),
}
TASK_BUCKETS_MS = (10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000)  # as in record.lua


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The ledger's counters since its first task, and the number of open tasks now."""

    stats: Mapping[str, int] = field(default_factory=dict)
    open: Mapping[str, int] = field(default_factory=dict)
    sweep_age_seconds: float | None = None  # None when no reconciler ever ran


def totals() -> Call[Snapshot]:
    """Return the call that reads the ledger's counters."""

    def parse(reply: list[Any]) -> Snapshot:
        stats, *numbers, age = reply
        counted = {name: int(value) for name, value in fields_of(stats).items()}
        open = dict(zip(("running", "scheduled", "parked"), numbers, strict=True))
        return Snapshot(counted, open, None if age is None else age / 1000)

    return Call("totals", [], parse)


class LedgerMetrics(Collector):
    """One snapshot of the ledger as metrics. Without a snapshot the only metric says that Redis is away."""

    def __init__(
        self, snapshot: Snapshot | None, queues: Sequence[QueueState], memory: float, holds: Sequence[ChannelHold] = ()
    ) -> None:
        self.snapshot = snapshot
        self.holds = holds
        self.queues = queues
        self.memory = memory

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("handoff_ledger_up", "Whether Redis answers", value=float(self.snapshot is not None))
        if self.snapshot is None:
            return
        yield GaugeMetricFamily(
            "handoff_redis_memory_ratio", "Share of its memory limit that Redis uses", value=self.memory
        )
        if self.snapshot.sweep_age_seconds is not None:
            yield GaugeMetricFamily(
                "handoff_reconciler_age_seconds",
                "Time since the reconciler last ran",
                value=self.snapshot.sweep_age_seconds,
            )
        yield from _counted(self.snapshot.stats)
        tasks = GaugeMetricFamily("handoff_tasks_open", "Open tasks that are not in a queue", labels=["state"])
        for state, number in self.snapshot.open.items():
            tasks.add_metric([state], number)
        yield tasks
        yield from _queues(self.queues)
        yield _held(self.holds)


def _queues(queues: Sequence[QueueState]) -> Iterator[Metric]:
    depth = GaugeMetricFamily("handoff_queue_depth", "Tasks that wait; a pack of items counts as one", labels=["queue"])
    backlog = GaugeMetricFamily(
        "handoff_queue_backlog", "Tasks that wait, and overdue tasks that are not in the queue yet", labels=["queue"]
    )
    oldest = GaugeMetricFamily(
        "handoff_queue_oldest_seconds", "How long the oldest waiting task has waited", labels=["queue"]
    )
    served = GaugeMetricFamily("handoff_queue_served", "Whether a live worker takes from the queue", labels=["queue"])
    for queue in queues:
        depth.add_metric([queue.name], queue.depth)
        backlog.add_metric([queue.name], queue.depth + queue.overdue)
        oldest.add_metric([queue.name], queue.oldest_seconds)
        served.add_metric([queue.name], float(queue.served))
    yield from (depth, backlog, oldest, served)


def _held(holds: Sequence[ChannelHold]) -> Metric:
    held = GaugeMetricFamily(
        "handoff_channel_held_seconds", "Time until the channel sends again", labels=["channel", "why"]
    )
    for hold in holds:
        held.add_metric([hold.channel, hold.why], hold.seconds)
    return held


def _counted(stats: Mapping[str, int]) -> Iterator[Metric]:
    """Yield the counters: `<contract> <event>`, `<contract> item <state>` or `<contract> <histogram> <bucket ms>`."""
    tasks = CounterMetricFamily("handoff_task_events", "Events in the life of tasks", labels=["contract", "event"])
    items = CounterMetricFamily(
        "handoff_items", "Items of batches by the state in which they ended", labels=["contract", "state"]
    )
    observed: dict[tuple[str, str], dict[str, int]] = {}
    for name, number in sorted(stats.items()):
        contract, what, *rest = name.split(" ")
        if what in HISTOGRAMS:
            observed.setdefault((what, contract), {})[rest[0]] = number
        elif what == "item":
            items.add_metric([contract, rest[0]], number)
        else:
            tasks.add_metric([contract, what], number)
    yield from (tasks, items)
    for what, (metric, text) in HISTOGRAMS.items():
        family = HistogramMetricFamily(metric, text, labels=["contract"])
        for (of, contract), counts in observed.items():
            if of == what:
                family.add_metric([contract], *_histogram(counts))
        yield family


def _histogram(counts: Mapping[str, int]) -> tuple[list[tuple[str, float]], float]:
    """Return the cumulative buckets by their bound in seconds, and the sum in seconds."""
    buckets, running = [], 0
    for bound in TASK_BUCKETS_MS:
        running += counts.get(str(bound), 0)
        buckets.append((str(bound / 1000), float(running)))
    buckets.append(("+Inf", float(running + counts.get("inf", 0))))
    return buckets, counts.get("sum", 0) / 1000


def render(ledger: LedgerMetrics) -> bytes:
    """Return all metrics in Prometheus's text format, with the HTTP metrics of every process of this API."""
    registry = CollectorRegistry()
    registry.register(ledger)
    processes = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        processes = CollectorRegistry()
        MultiProcessCollector(processes)  # type: ignore[no-untyped-call]  # prometheus_client does not annotate it
    return generate_latest(processes) + generate_latest(registry)
