"""The delay before a retry."""

import pytest

from handoff_contracts import Policy
from handoff_worker.execution.backoff import seconds_until_retry


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 2), (2, 4), (3, 8), (4, 16), (9, 512), (10, 600), (1_000, 600), (5_000, 600)]
)
def test_the_back_off_doubles_up_to_its_limit(attempt: int, seconds: float) -> None:
    assert seconds_until_retry(Policy(), attempt, None, lambda: 0.0) == seconds


@pytest.mark.parametrize(("requested", "seconds"), [(0.0, 0.0), (3.5, 3.5), (86_400.0, 86_400.0), (-1.0, 0.0)])
def test_a_requested_delay_replaces_the_back_off(requested: float, seconds: float) -> None:
    assert seconds_until_retry(Policy(), 3, requested, lambda: 0.0) == seconds


def test_jitter_adds_up_to_a_quarter() -> None:
    delays = [seconds_until_retry(Policy(backoff=8), 1, None) for _ in range(2_000)]
    assert 8 <= min(delays) < 8.1
    assert 9.9 < max(delays) <= 10
    assert seconds_until_retry(Policy(), 1, 100, lambda: 1.0) == 125
