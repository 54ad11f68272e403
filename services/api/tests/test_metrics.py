"""The ledger's counts as Prometheus metrics."""

import re
from importlib.resources import files

from prometheus_client.parser import text_string_to_metric_families

from handoff_api.metrics import TASK_BUCKETS_MS, LedgerMetrics, render, totals
from handoff_ledger import QueueState
from handoff_ledger.calls import ChannelHold

STATS = [
    *("push.send accepted", "7", "push.send item delivered", "9", "push.send run 10", "2", "push.send run 2500", "1"),
    *(
        "push.send run inf",
        "1",
        "push.send run sum",
        "302505",
        "system.echo start 25",
        "4",
        "system.echo start sum",
        "60",
    ),
]


def samples(metrics: LedgerMetrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(render(metrics).decode())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def test_counts_histograms_and_queues() -> None:
    snapshot = totals().parse([STATS, 3, 2, 1, 500])
    queues = [QueueState(name="bulk", depth=5, oldest_seconds=1.5, served=True, overdue=2)]
    holds = [ChannelHold("fcm:shop:1f", "throttled", 12.5)]
    found = samples(LedgerMetrics(snapshot, queues, 0.25, holds))

    def value(name: str, **labels: str) -> float:
        return found[name, frozenset(labels.items())]

    assert value("handoff_ledger_up") == 1
    assert value("handoff_redis_memory_ratio") == 0.25
    assert value("handoff_task_events_total", contract="push.send", event="accepted") == 7
    assert value("handoff_items_total", contract="push.send", state="delivered") == 9
    bounds = ("0.01", "0.025", "2.5", "30.0", "+Inf")  # also those that nothing fell into
    buckets = [value("handoff_task_run_seconds_bucket", contract="push.send", le=le) for le in bounds]
    assert buckets == [2, 2, 3, 3, 4]
    assert value("handoff_task_run_seconds_count", contract="push.send") == 4
    assert value("handoff_task_run_seconds_sum", contract="push.send") == 302.505
    assert value("handoff_task_start_seconds_bucket", contract="system.echo", le="+Inf") == 4
    assert value("handoff_tasks_open", state="running") == 3
    assert value("handoff_queue_depth", queue="bulk") == 5
    assert value("handoff_queue_backlog", queue="bulk") == 7
    assert value("handoff_reconciler_age_seconds") == 0.5
    assert value("handoff_queue_oldest_seconds", queue="bulk") == 1.5
    assert value("handoff_queue_served", queue="bulk") == 1
    assert value("handoff_channel_held_seconds", channel="fcm:shop:1f", why="throttled") == 12.5


def test_without_redis_the_other_metrics_remain() -> None:
    found = samples(LedgerMetrics(None, [], 0.0))
    assert found["handoff_ledger_up", frozenset()] == 0
    assert not any(name.startswith(("handoff_task", "handoff_queue")) for name, _ in found)


def test_nothing_counted_yet() -> None:
    found = samples(LedgerMetrics(totals().parse([[], 0, 0, 0, None]), [], 0.0))
    assert found["handoff_ledger_up", frozenset()] == 1
    assert ("handoff_reconciler_age_seconds", frozenset()) not in found


def test_the_buckets_are_those_that_the_ledger_counts() -> None:
    scripts = (files("handoff_ledger") / "scripts/lib").iterdir()
    (counted,) = re.findall(r"local \w*BUCKETS\w* = \{(.*)\}", "".join(script.read_text() for script in scripts))
    assert counted.replace(" ", "") == ",".join(map(str, TASK_BUCKETS_MS))
