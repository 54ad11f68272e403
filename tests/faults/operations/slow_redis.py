"""Redis is slow: API and workers reach it through a proxy that holds back each way."""

import sys
from pathlib import Path

from process import Process, free_port, is_free
from stack import clean_environment
from tests.faults.scene import Scene

PROXY = str(Path(__file__).parents[1] / "proxy.py")


class Proxy(Process):
    def __init__(self, scene: Scene, delay: float) -> None:
        self.port = free_port()
        command = [sys.executable, PROXY, str(self.port), str(scene.stack.redis.port), str(delay / 2)]
        super().__init__("proxy", command, folder=scene.folder, env=clean_environment())

    def ready(self) -> bool:
        return not is_free(self.port)


def slow_redis(scene: Scene, delay: float) -> None:
    """Restarts API and workers behind the proxy: a round trip takes `delay` seconds more."""
    proxy = Proxy(scene, delay)
    scene.extra.append(proxy)
    proxy.start()
    proxy.wait_ready()
    for process in (scene.stack.api, *scene.stack.workers):
        process.env["CELERY_BROKER_URL"] = f"redis://127.0.0.1:{proxy.port}/0"
        process.restart()
