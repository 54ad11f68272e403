"""What the smoke Job runs tells a working API from others."""

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.smoke import SCRIPT

Answer = tuple[int, Any]
KEY = "hk_right"


class Api:
    """Does what is asked, unless a test lets it do otherwise."""

    def __init__(self) -> None:
        self.state, self.served, self.strict = "succeeded", ["high", "default", "bulk", "documents"], True
        self.changed: Callable[[Any], Any] = lambda result: result
        self._results: dict[str, Any] = {}

    def answer(self, key: str, path: str, body: Any) -> Answer:
        if self.strict and key != f"Bearer {KEY}":
            return 401, {}
        if path == "/v1/queues":
            return 200, {"items": [{"name": name, "served": name in self.served} for name in (*self.served, "other")]}
        if body is not None:
            task = path.rpartition("=")[2]
            self._results[task] = self.changed(body)
            return 202, {"id": task, "state": "queued", "result": None}
        return 200, {
            "id": path.rpartition("/")[2],
            "state": self.state,
            "result": self._results[path.rpartition("/")[2]],
        }


@pytest.fixture
def api() -> Iterator[tuple[Api, int]]:
    made = Api()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _answer(self, body: Any) -> None:
            status, document = made.answer(self.headers["Authorization"], self.path, body)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield made, server.server_port
        server.shutdown()
        thread.join()


def smoke(port: int, folder: Path) -> tuple[int, str]:
    """Runs the script as the Job does: alone, by the text of it."""
    (folder / "key").write_text(KEY + "\n")
    env = {
        "PATH": os.environ["PATH"],
        "HANDOFF_SMOKE_API": f"127.0.0.1:{port}",
        "HANDOFF_SMOKE_KEY_FILE": str(folder / "key"),
        "HANDOFF_SMOKE_QUEUES": "high default bulk",
        "HANDOFF_SMOKE_SERVED": "documents",
    }
    command = [sys.executable, "-I", "-S", "-c", SCRIPT.read_text()]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=30)
    return ran.returncode, ran.stdout


def test_an_api_that_works(api: tuple[Api, int], tmp_path: Path) -> None:
    code, said = smoke(api[1], tmp_path)
    assert code == 0
    assert [line.partition(":")[0] for line in said.splitlines()] == [
        "a wrong key",
        "high",
        "default",
        "bulk",
        "served",
    ]


def test_a_task_that_fails(api: tuple[Api, int], tmp_path: Path) -> None:
    api[0].state = "dead"
    code, said = smoke(api[1], tmp_path)
    assert code == 1
    assert "FAILED  bulk: task bulk is dead" in said


def test_a_result_that_is_another_one(api: tuple[Api, int], tmp_path: Path) -> None:
    api[0].changed = lambda result: {"message": "something else"}
    assert smoke(api[1], tmp_path)[0] == 1


def test_an_api_that_lets_everybody_in(api: tuple[Api, int], tmp_path: Path) -> None:
    api[0].strict = False
    code, said = smoke(api[1], tmp_path)
    assert code == 1
    assert "the API answered a wrong key with 202 instead of 401" in said


def test_a_queue_without_a_worker(api: tuple[Api, int], tmp_path: Path) -> None:
    api[0].served = ["high", "default", "bulk"]
    code, said = smoke(api[1], tmp_path)
    assert code == 1
    assert "no worker serves documents" in said
