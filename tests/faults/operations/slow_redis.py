"""Redis is slow: API and workers reach it through a proxy that holds everything back."""

import sys
from pathlib import Path
from typing import Self

from process import Process, free_port, is_free
from stack import clean_environment
from tests.faults.scene import Scene

PROXY = str(Path(__file__).parents[1] / "proxy.py")


class SlowRedis(Process):
    """The proxy, with API and workers behind it."""

    def __init__(self, scene: Scene) -> None:
        self.port = free_port()
        self._delay = scene.folder / "delay"
        command = [sys.executable, PROXY, str(self.port), str(scene.stack.redis.port), str(self._delay)]
        super().__init__("proxy", command, folder=scene.folder, env=clean_environment())

    def ready(self) -> bool:
        return not is_free(self.port)

    def delay(self, seconds: float) -> None:
        """From now on a round trip takes so much more."""
        fresh = self._delay.with_suffix(".new")
        fresh.write_text(str(seconds / 2))
        fresh.replace(self._delay)

    @classmethod
    def before(cls, scene: Scene) -> Self:
        """Restarts API and workers behind a proxy, without any delay yet."""
        proxy = cls(scene)
        proxy.delay(0)
        scene.extra.append(proxy)
        proxy.start()
        proxy.wait_ready()
        for process in (scene.stack.api, *scene.stack.workers):
            process.env["CELERY_BROKER_URL"] = f"redis://127.0.0.1:{proxy.port}/0"
            process.restart()
        return proxy
