"""What a probe is told of a worker."""

import os
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from handoff_worker.probe import STALE_S, main


class Answering(socketserver.StreamRequestHandler):
    """A Redis that has an answer to everything, if never a friendly one."""

    def handle(self) -> None:
        while line := self.rfile.readline():
            if line.startswith(b"*"):
                self.wfile.write(b"-ERR not now\r\n")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The ready file; Redis is away."""
    path = tmp_path / "ready"
    monkeypatch.setenv("HANDOFF_WORKER_READY_FILE", str(path))
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://127.0.0.1:1/0")
    return path


@pytest.fixture
def redis(monkeypatch: pytest.MonkeyPatch, file: Path) -> Iterator[None]:
    """Redis is there."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answering) as server:
        server.daemon_threads = True
        monkeypatch.setenv("CELERY_BROKER_URL", f"redis://127.0.0.1:{server.server_address[1]}/0")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield
        server.shutdown()
        thread.join()


def probe(monkeypatch: pytest.MonkeyPatch, *asked: str) -> int:
    monkeypatch.setattr(sys, "argv", ["probe", *asked])
    return main()


def age(file: Path, seconds: float) -> None:
    file.touch()
    os.utime(file, (time.time() - seconds,) * 2)


def test_it_is_ready_while_the_file_is_there(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert probe(monkeypatch, "ready") == 1
    age(file, 10 * STALE_S)
    assert probe(monkeypatch, "ready") == 0


@pytest.mark.usefixtures("redis")
def test_it_is_alive_while_it_beats(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    age(file, STALE_S - 10)
    assert probe(monkeypatch, "alive") == 0
    age(file, STALE_S + 10)
    assert probe(monkeypatch, "alive") == 1
    file.unlink()
    assert probe(monkeypatch, "alive") == 1


def test_a_restart_would_not_bring_redis_back(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert probe(monkeypatch, "alive") == 0
    age(file, STALE_S + 10)
    assert probe(monkeypatch, "alive") == 0


@pytest.mark.parametrize("asked", [(), ("well",), ("ready", "alive")])
@pytest.mark.usefixtures("file")
def test_a_wrong_question_is_no_answer(asked: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    assert probe(monkeypatch, *asked) == 2


def test_without_a_file_it_cannot_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    assert probe(monkeypatch, "ready") == 2


def test_what_is_asked_often_imports_little() -> None:
    code = "import handoff_worker.probe, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"celery", "handoff_ledger", "pydantic", "redis"} & set(loaded)
