"""SIGKILL to the API: all of it, or the one process that serves, which gunicorn replaces."""

import psutil

from tests.faults.scene import Scene


def kill_api(scene: Scene, *, whole: bool = True) -> None:
    """Kills it; the whole of it is started again at once."""
    api = scene.stack.api
    if whole:
        scene.killed("api", [], 0)
        api.kill()
        api.start()
    elif serving := psutil.Process(api.pid).children():
        scene.killed("api process", [], 0)
        serving[0].kill()
