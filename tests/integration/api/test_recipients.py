"""The list of gone recipients over HTTP."""

import httpx2

from handoff_ledger import calls
from tests.integration.api.manual_worker import LIMITS, ManualWorker

GONE = "/v1/recipients/gone"


def test_a_cursor_continues_the_list_later(client: httpx2.Client, worker: ManualWorker) -> None:
    assert client.get(GONE).json() == {"items": [], "cursor": None}
    worker.ledger.run(calls.note_gone([("fcm:shop", f"device-{number}", "task") for number in range(3)], LIMITS))
    first = client.get(GONE, params={"limit": 2}).json()
    assert [each["recipient"] for each in first["items"]] == ["device-0", "device-1"]
    assert first["items"][0].keys() == {"at", "channel", "recipient", "task"}
    second = client.get(GONE, params={"limit": 2, "cursor": first["cursor"]}).json()
    assert [each["recipient"] for each in second["items"]] == ["device-2"]
    assert client.get(GONE, params={"cursor": second["cursor"]}).json() == {"items": [], "cursor": second["cursor"]}
    worker.ledger.run(calls.note_gone([("fcm:shop", "device-3", "task")], LIMITS))
    later = client.get(GONE, params={"cursor": second["cursor"]}).json()
    assert [each["recipient"] for each in later["items"]] == ["device-3"]


def test_since_leaves_out_earlier_reports(client: httpx2.Client, worker: ManualWorker) -> None:
    worker.ledger.run(calls.note_gone([("fcm:shop", "device-0", "task")], LIMITS))
    assert client.get(GONE, params={"since": "2020-01-01T00:00:00Z"}).json()["items"]
    assert not client.get(GONE, params={"since": "2200-01-01T00:00:00Z"}).json()["items"]


def test_bad_input(client: httpx2.Client) -> None:
    for params in ({"since": "yesterday"}, {"limit": 0}, {"limit": 1001}, {"cursor": "x"}, {"more": "1"}):
        answer = client.get(GONE, params=params)
        assert answer.status_code in (400, 422), params
        assert answer.headers["content-type"] == "application/problem+json"
    assert client.get(GONE, headers={"Authorization": ""}).status_code == 401
