"""Redis at its memory limit, filled by a stranger's keys."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import OutOfMemoryError

from tests.faults.scene import Scene

HEADROOM = 4 << 20  # bytes that are free before it is filled
CHUNK = 64 << 10


@contextmanager
def fill_redis(scene: Scene) -> Iterator[None]:
    """Inside the block no write that needs memory is taken."""
    redis = scene.redis
    redis.config_set("maxmemory", int(redis.info("memory")["used_memory"]) + HEADROOM)
    keys: list[str] = []
    try:
        for size in (CHUNK, 1 << 10, 1):
            try:
                while True:
                    redis.set(f"stranger:{len(keys)}", b"x" * size)
                    keys.append(f"stranger:{len(keys)}")
            except OutOfMemoryError:
                continue
        yield
    finally:
        for first in range(0, len(keys), 500):
            redis.delete(*keys[first : first + 500])


def unlimited(scene: Scene) -> None:
    scene.redis.config_set("maxmemory", 0)
