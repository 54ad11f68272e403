"""The alerts: each reads metrics that there are, has its chapter for operators, and calls when it has to."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from handoff_api.metrics import HTTP_REQUESTS, HTTP_SECONDS, LedgerMetrics, render, totals
from handoff_contracts import QUEUES
from handoff_ledger import QueueState, State
from handoff_ledger.calls import ChannelHold
from tests.unit.k8s.rendering import MANIFESTS, bundle, named, of_kind

OPERATIONS = MANIFESTS.parents[1] / "docs/operations.md"
GROUPS: list[dict[str, Any]] = named(bundle("tests/connected"), "PrometheusRule", "handoff")["spec"]["groups"]
RULES: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
SELECTOR = re.compile(r"\b(handoff_\w+)(?:\{(.*?)\})?(?=[\s\[)]|$)")


@pytest.fixture(scope="module")
def samples() -> list[tuple[str, dict[str, str]]]:
    """Everything that the API reports once each thing has happened: names and labels."""
    HTTP_REQUESTS.labels("POST", "/v1/tasks/push.send", "503")
    HTTP_SECONDS.labels("POST", "/v1/tasks/push.send")
    events = [
        *State,
        "accepted",
        "lapsed",
        "republished",
        "retried",
        "start 10",
        "start sum",
        "run 10",
        "item delivered",
    ]
    stats = [word for event in events for word in (f"push.send {event}", "1")]
    queues = [QueueState(name=name, depth=1, oldest_seconds=1, served=True, overdue=0) for name in QUEUES]
    snapshot, holds = totals().parse([stats, 1, 1, 1, 500]), [ChannelHold("fcm:shop:1f", "credential_rejected", 1.0)]
    text = render(LedgerMetrics(snapshot, queues, 0.5, holds)).decode()
    return [(each.name, each.labels) for family in text_string_to_metric_families(text) for each in family.samples]


def meets(labels: dict[str, str], matchers: str) -> bool:
    tests = re.findall(r'(\w+)(=~|=)"(.*?)"', matchers)
    assert len(tests) == matchers.count('="') + matchers.count('=~"')
    return all(re.fullmatch(re.escape(want) if how == "=" else want, labels.get(name, "")) for name, how, want in tests)


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.get("alert")) for rule in RULES])
def test_a_rule_reads_what_there_is(rule: dict[str, Any], samples: list[tuple[str, dict[str, str]]]) -> None:
    recorded = {each.get("record") for each in RULES}
    assert set(re.findall(r"handoff:\w+:\w+", rule["expr"])) <= recorded
    read = SELECTOR.findall(rule["expr"])
    assert read or "handoff:missed:" in str(rule)
    for name, matchers in read:
        assert any(name == each and meets(labels, matchers) for each, labels in samples), (name, matchers)


def test_keda_reads_metrics_of_existing_queues(samples: list[tuple[str, dict[str, str]]]) -> None:
    read: dict[str, list[str]] = {}
    for scaled in of_kind(bundle("tests/connected"), "ScaledObject"):
        for trigger in scaled["spec"]["triggers"]:
            assert trigger["metadata"]["format"] == "prometheus"
            ((name, matchers),) = SELECTOR.findall(trigger["metadata"]["valueLocation"])
            (found,) = (labels for each, labels in samples if name == each and meets(labels, matchers))
            read.setdefault(scaled["spec"]["scaleTargetRef"]["name"], []).append(found["queue"])
    assert read == {"worker": ["high", "default"], "worker-bulk": ["bulk"], "worker-documents": ["documents"]}


def test_an_operator_is_told_what_to_do() -> None:
    chapters = re.findall(r"^#### (\w+)$", OPERATIONS.read_text(), re.MULTILINE)
    assert chapters == list(ALERTS)
    for name, alert in ALERTS.items():
        assert alert["labels"]["severity"] in ("page", "ticket")
        assert alert["annotations"]["runbook"] == f"docs/operations.md#{name.lower()}"


def test_every_alert_is_seen_to_call_and_to_be_silent() -> None:
    cases = [
        case
        for test in yaml.safe_load((MANIFESTS / "tests/rules.yaml").read_text())["tests"]
        for case in test["alert_rule_test"]
    ]
    assert {case["alertname"] for case in cases if case.get("exp_alerts")} == set(ALERTS)
    assert {case["alertname"] for case in cases if not case.get("exp_alerts")} == set(ALERTS)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not here: Debian's package prometheus has it")
def test_the_alerts_call_when_they_have_to(tmp_path: Path) -> None:
    (tmp_path / "groups.yaml").write_text(yaml.safe_dump({"groups": GROUPS}))
    shutil.copy(MANIFESTS / "tests/rules.yaml", tmp_path)
    done = subprocess.run(
        ["promtool", "test", "rules", "rules.yaml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
