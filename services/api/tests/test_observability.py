"""Correlation ids, the access log, the HTTP metrics: a route is named by its template, never by its path."""

import logging
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families


def requests(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [vars(record) for record in caplog.records if vars(record).get("event") == "request"]


@pytest.mark.parametrize("given", ["abc", "A-b_c.9", "x" * 64])
def test_a_valid_correlation_id_is_kept(client: TestClient, given: str) -> None:
    assert client.get("/livez", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\tb", "<script>"])
def test_an_invalid_correlation_id_is_replaced(client: TestClient, given: str) -> None:
    made = client.get("/livez", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    assert made != given
    assert len(made) == 16


def test_each_request_is_logged_without_token_and_query(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    client.post("/push/my-device-token?title=my-title", headers={"X-Request-ID": "r1"})
    client.get("/my-device-token")
    client.get("/livez")
    pushed, unknown = requests(caplog)
    assert (pushed["method"], pushed["route"], pushed["status"]) == ("POST", "/push/{device_token}", 503)
    assert (pushed["client"], pushed["request_id"]) == ("tests", "r1")
    assert pushed["ms"] > 0
    assert (unknown["route"], unknown["status"]) == ("unknown", 404)
    ours = [vars(record) for record in caplog.records if record.name.startswith("handoff")]
    assert "my-" not in str(ours)


def test_a_refused_key_is_logged_without_it(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    client.get("/v1/tasks", headers={"Authorization": "Bearer my-key"})
    (line,) = requests(caplog)
    assert (line["status"], line["client"]) == (401, None)
    assert "my-key" not in str(line)


def test_requests_are_counted_by_route_template(client: TestClient) -> None:
    def counted() -> float:
        families = text_string_to_metric_families(client.get("/metrics").text)
        labels = {"method": "POST", "route": "/push/{device_token}", "status": "503"}
        samples = [sample for family in families for sample in family.samples]
        assert not any("my-device" in str(sample) for sample in samples)
        return sum(s.value for s in samples if s.name == "handoff_http_requests_total" and s.labels == labels)

    before = counted()
    client.post("/push/my-device-token")
    assert counted() == before + 1
