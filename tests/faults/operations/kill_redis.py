"""SIGKILL to Redis, which comes back from the same folder: its append-only file is all that it has."""

import time

from redis import Redis

from tests.faults.scene import Scene


def kill_redis(scene: Scene, away: float = 0.0) -> float:
    """Kills it and starts it again after `away` seconds. Gives when it was ready, monotonic."""
    redis = scene.stack.redis
    # While its disk syncs, Redis answers before it has written: a kill in that moment is a power cut's business.
    with Redis(port=redis.port) as asking:
        asking.config_set("appendfsync", "always")
    scene.killed("redis", [], 0)
    redis.kill()
    time.sleep(away)  # the outage itself
    redis.start()
    redis.wait_ready()
    return time.monotonic()
