"""How soon does work go on after a death? `python -m bench.recovery`

Of two workers one is killed, all of its processes at once, while both run pushes of half a second: seconds from the
kill until every task is done, also those that it held. Redis is killed and started again: seconds from its exec until
the API accepts.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
from redis import Redis as Connection

from bench.figures import Figures, alone
from bench.handoff import HEADERS, production
from process import NotReady, wait_until

TASKS = 40
WAIT_SECONDS = 60.0


def seconds(what: str, condition: Callable[[], bool]) -> float:
    """How long it takes until it holds."""
    began = time.monotonic()
    if not wait_until(condition, WAIT_SECONDS):
        raise NotReady(f"{what}: not within {WAIT_SECONDS:.0f} s")
    return time.monotonic() - began


def accepts(client: httpx2.Client) -> bool:
    try:
        return client.post("/v1/tasks/push.send", json={"token": "device-1"}).status_code == 202
    except httpx2.TransportError:
        return False


def measure() -> Figures:
    with tempfile.TemporaryDirectory() as name:
        stack = production(Path(name), workers=2, HANDOFF_LOG_PROVIDER_DELAY="0.5")
        with (
            stack,
            Connection(port=stack.redis.port, decode_responses=True) as redis,
            httpx2.Client(base_url=stack.api.url, headers=HEADERS, timeout=5, trust_env=False) as client,
        ):

            def done() -> int:
                return int(redis.hget("handoff:stats", "push.send succeeded") or 0)

            for _ in range(TASKS):
                client.post("/v1/tasks/push.send", json={"token": "device-1"}).raise_for_status()
            seconds("The first tasks run", lambda: done() > 0)
            stack.worker.kill()
            killed = seconds("All tasks run", lambda: done() == TASKS)
            stack.redis.kill()
            stack.redis.start()
            away = seconds("The API accepts again", lambda: accepts(client))
    return {"worker killed": {"done after s": killed}, "Redis killed": {"accepting after s": away}}


if __name__ == "__main__":
    alone(measure)
