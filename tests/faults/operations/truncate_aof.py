"""The power is cut: Redis comes back with what it had synced to disk, and no more.

A kill alone does not show that, since the kernel still has the rest. So Redis is told to sync no more: what it writes
from then on is the tail that a cut of the power would take. It is cut off after the kill, in the middle of a record.
"""

import time
from pathlib import Path

from process import wait_until
from tests.faults.scene import Scene


def stop_syncing(scene: Scene) -> int:
    """From now on nothing that Redis writes reaches the disk for certain. Gives the size of what has."""
    scene.redis.config_set("appendfsync", "no")
    wait_until(lambda: scene.redis.info("persistence")["aof_pending_bio_fsync"] == 0, 10)
    return aof(scene).stat().st_size


def truncate_aof(scene: Scene, size: int) -> float:
    """Kills Redis, cuts its file and starts it again, syncing. Gives when it was ready."""
    scene.killed("redis, its tail cut", [], 0)
    scene.stack.redis.kill()
    with aof(scene).open("r+b") as file:
        tail = file.seek(0, 2) - size
        file.truncate(size + min(tail, 7))  # a record cut in two
    scene.notes.append(f"{tail} bytes cut")
    scene.stack.redis.start()
    scene.stack.redis.wait_ready()
    return time.monotonic()


def aof(scene: Scene) -> Path:
    """The file to which Redis appends."""
    (path,) = (scene.folder / "appendonlydir").glob("*.incr.aof")
    return path
