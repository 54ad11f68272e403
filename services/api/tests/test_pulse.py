"""What is wrong with a Redis that would lose tasks."""

import pytest

from handoff_api.pulse import unsafe


@pytest.mark.parametrize(
    ("policy", "aof", "word"),
    [("noeviction", 1, None), ("allkeys-lru", 1, "maxmemory-policy"), ("noeviction", 0, "append-only")],
)
def test_a_redis_that_evicts_or_forgets_is_unsafe(policy: str, aof: int, word: str | None) -> None:
    sentence = unsafe({"maxmemory_policy": policy, "aof_enabled": aof})
    assert (sentence is None) if word is None else (sentence is not None and word in sentence)
