"""The query parameters and headers of a submission."""

from datetime import UTC, datetime, timedelta

import pytest

from handoff_api.options import TaskOptions, preferred_wait_seconds
from handoff_api.problems import Problem
from handoff_api.request_state import ApiRequest
from handoff_contracts import CATALOGUE, DOCUMENTS, Contract, Payload, Result


def request_preferring(prefer: str) -> ApiRequest:
    state = {"headers": {b"prefer": prefer.encode()}}
    return ApiRequest({"type": "http", "state": state})


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=5", 5),
        ("Wait = 5", 5),
        ("respond-async, wait=10", 10),
        ("wait=10; foo, return=minimal", 10),
        ("wait=31", 30),
        ("wait=999999", 30),
        ("wait=1000000", 30),
        (f"wait={'9' * 5000}", 30),
        (f"wait={'0' * 900}7", 7),
        (f"wait={'0' * 60_000}x", 0),
        ("wait=\u0665", 0),
        ("wait=1_0", 0),
        ("wait=0", 0),
        ("wait=soon", 0),
        ("wait=-1", 0),
        ("await=5", 0),
        ("wait=1.5", 0),
        ('wait="7"', 7),
        ("wait\t=\t7", 7),
        ("wait=9999999999", 30),
        ("wait=3, wait=5", 3),
        ("wait=soon, wait=5", 0),
        ('note="a, wait=5"', 0),
        ('note="a, \\", wait=5", wait=6', 6),
        (",, ,wait=5", 5),
        ('note="open, wait=5', 5),
        ("wait", 0),
        ("wait=", 0),
        ("", 0),
        ("a" * 70_000 + ", wait=5", 0),
        ('"\\' * 30_000, 0),
    ],
)
def test_a_preference_is_granted_up_to_30_s(prefer: str, seconds: int) -> None:
    assert preferred_wait_seconds(request_preferring(prefer)) == seconds


def test_times_are_milliseconds_from_now() -> None:
    assert TaskOptions.model_validate({"delay": "1.5", "expires_in": "0.0001"}).delay_ms == 1500
    assert TaskOptions.model_validate({"expires_in": "0.0001"}).expires_ms == 1
    due = datetime.now(UTC) + timedelta(hours=1)
    assert 3_590_000 < TaskOptions.model_validate({"run_at": due.isoformat()}).delay_ms <= 3_600_000
    assert TaskOptions.model_validate({"run_at": "2020-01-01T00:00:00+02:00"}).delay_ms == 0


def test_the_contract_decides_whether_a_priority_is_allowed() -> None:
    high = TaskOptions.model_validate({"priority": "high"})
    assert high.queue(CATALOGUE["push.send"]) == "high"
    assert TaskOptions().queue(CATALOGUE["push.send"]) == "bulk"
    contract = Contract(
        name="document.test", version=1, payload=Payload, result=Result, summary="Burns CPU.", queue=DOCUMENTS
    )
    with pytest.raises(Problem) as raised:
        high.queue(contract)
    assert raised.value.type.code == "priority_not_offered"
    assert raised.value.type.status == 422
