"""The stack of compose.yaml alone, and a client of it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx2

from process import wait_until
from tests.containers.clone import Clone
from tests.containers.engine import docker
from tests.faults.client import Client

DELAY_SECONDS = 0.5  # for which the provider takes its time: what a test breaks is broken in the middle of the work


class Host:
    """As a context manager: all is healthy inside. What stands before the API is a container in the network `front`."""

    def __init__(self, clone: Clone) -> None:
        self.clone = clone
        self._front = f"{clone.project}-front"
        self.url = f"http://127.0.0.1:{clone.ports['api']}"
        self.key = ""

    def __enter__(self) -> Self:
        printed = self.clone.make("key", "NAME=tests").stdout
        key, entry = re.findall(r"^  (\S+)$", printed, re.MULTILINE)
        self.key = key
        self.clone.set("HANDOFF_API_KEYS", entry)
        self.clone.set("HANDOFF_LOG_PROVIDER_DELAY", str(DELAY_SECONDS))
        self.up()
        where = ["--network", f"{self.clone.project}_front", "--publish", f"127.0.0.1:{self.clone.ports['api']}:8000"]
        code = f"--volume={Path(__file__).with_name('front.py')}:/front.py:ro"
        docker("run", "--detach", "--name", self._front, *where, code, "handoff-api:local", "python", "/front.py")
        assert wait_until(self._answers, 10), "the API can't be reached from the network `front`"
        return self

    def __exit__(self, *_: object) -> None:
        docker("rm", "--force", self._front)

    def up(self) -> None:
        answer = self.clone.make("up", "PRODUCTION=1")
        assert answer.returncode == 0, answer.stdout + answer.stderr
        assert "All services are healthy." in answer.stdout

    def _answers(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/readyz", timeout=2, trust_env=False).status_code == 200
        except httpx2.TransportError:
            return False

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    @contextmanager
    def client(self) -> Iterator["KeyClient"]:
        client = KeyClient(self.url, self.headers)
        try:
            yield client
        finally:
            client.close()


class KeyClient(Client):
    """A client that has a key, and asks until it is answered."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        super().__init__([url])
        self._headers = headers

    def ask(self, method: str, path: str, body: object = None, headers: Any = None) -> Any:
        return super().ask(method, path, body, {**(headers or {}), **self._headers})

    def look(self, path: str) -> dict[str, Any]:
        """What a GET gives; nothing, as long as there is no answer."""
        answer = self.ask("GET", path)
        return dict(answer.body) if answer.status == 200 else {}
