"""The delay before a retry."""

import random
from collections.abc import Callable

from handoff_contracts import Policy

MAX_DOUBLINGS = 1_000  # 2.0**1024 overflows a float


def seconds_until_retry(
    policy: Policy, attempt: int, requested: float | None, chance: Callable[[], float] = random.random
) -> float:
    """Returns the delay in seconds after the failed attempt number `attempt`, counted from 1.

    `requested`, when not None, replaces the policy's exponential back-off. Jitter adds up to a quarter to either.
    """
    backoff: float = min(policy.backoff * 2.0 ** min(attempt - 1, MAX_DOUBLINGS), policy.backoff_limit)
    delay = backoff if requested is None else max(requested, 0.0)
    return delay * (1 + chance() / 4)
