"""SIGKILL to one process of a worker's pool. Its parent puts another in its place."""

from stack import Worker
from tests.faults.scene import IN_FLIGHT, Kill, Scene, family


def kill_pool_child(scene: Scene, worker: Worker) -> Kill | None:
    """Kills one, if the worker has any now."""
    pool = family(worker)[1:]
    if not pool:
        return None
    victim = scene.random.choice(pool)
    victim.kill()
    return scene.killed("pool child", [victim], IN_FLIGHT)
