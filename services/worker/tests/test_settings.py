"""The worker's settings that are lists: valid and invalid entries."""

import pytest
from pydantic import ValidationError

from handoff_worker.settings import Settings, parse_rates


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("fcm=10000", {"fcm": 10_000}),
        (" fcm=10000 , sns:shop-2=0.5,", {"fcm": 10_000, "sns:shop-2": 0.5}),
        ("fcm=0.0001,sns=1000000", {"fcm": 0.0001, "sns": 1_000_000}),
        ("fcm=1,fcm=2", {"fcm": 2}),
    ],
)
def test_a_pace_has_a_rate_for_each_channel(text: str, found: dict[str, float]) -> None:
    assert parse_rates(text) == found


@pytest.mark.parametrize(
    "text",
    ["fcm", "fcm=", "fcm=0", "fcm=-1", "fcm=1e3", "fcm=0.00009", "fcm=1000001", "FCM=1", "fcm:=1", "fcm=1;sns=2"],
)
def test_an_invalid_pace_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match=r"HANDOFF_PACE is a list like .* from 0\.0001 to 1000000"):
        Settings(pace=text)
