"""`make dev`, in a copy of the source: a save is live, a broken save is survived, Ctrl-C leaves nothing."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import httpx2
import pytest

from process import free_port, wait_until
from stack import answers
from tests.acceptance.checkout import Checkout

ECHO = "services/worker/src/handoff_worker/handlers/system_echo.py"
ROUTES = "services/api/src/handoff_api/app.py"


class Dev:
    """A running `scripts/dev.py`; what it prints goes to `output`."""

    def __init__(self, checkout: Checkout) -> None:
        self.checkout = checkout
        self.url = f"http://127.0.0.1:{free_port()}"
        self.output = checkout.folder / "output"
        ports = {"HANDOFF_API_PORT": self.url.rpartition(":")[2], "HANDOFF_FLOWER_PORT": str(free_port())}
        with self.output.open("wb") as output:
            self.child = subprocess.Popen(
                [sys.executable, str(checkout.folder / "scripts/dev.py")],
                cwd=checkout.folder,
                env={**checkout.env, **ports},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def says(self, text: str, times: int = 1) -> bool:
        return wait_until(lambda: self.output.read_text().count(text) >= times, 30)

    def save(self, file: str, old: str, new: str) -> None:
        path = self.checkout.folder / file
        content = path.read_text()
        assert old in content
        path.write_text(content.replace(old, new))

    def echo(self, message: str) -> str:
        """Runs a `system.echo` to its end and returns what it gave back."""
        with httpx2.Client(base_url=self.url, trust_env=False) as client:
            task = client.post("/v1/tasks/system.echo", json={"message": message}).raise_for_status().json()

            def state() -> dict[str, str]:
                return dict(client.get(f"/v1/tasks/{task['id']}").raise_for_status().json())

            assert wait_until(lambda: state()["state"] == "succeeded", 15), state()
            return str(client.get(f"/v1/tasks/{task['id']}").json()["result"]["message"])


@pytest.fixture
def dev(checkout: Checkout) -> Iterator[Dev]:
    running = Dev(checkout)
    yield running
    running.child.kill()
    running.child.wait()


def test_saves_are_live_and_a_broken_one_is_survived(dev: Dev) -> None:
    assert dev.says("Ctrl-C stops everything"), dev.output.read_text()
    assert dev.echo("hello") == "hello"

    dev.save(ECHO, "message=echo.message", "message=echo.message.upper()")
    assert dev.says("system_echo.py changed: restarting worker1")
    assert dev.says("worker1 is ready")
    assert dev.echo("hello") == "HELLO"

    dev.save(ECHO, "return Echoed", "return return Echoed")
    assert dev.says("worker1 ended early")
    assert dev.says("SyntaxError")
    dev.save(ECHO, "return return Echoed", "return Echoed")
    assert dev.says("worker1 is ready", times=2)
    assert dev.echo("again") == "AGAIN"

    dev.save(ROUTES, "\n", "\nthis is no Python\n")
    assert dev.says("api ended early")
    assert not answers(f"{dev.url}/livez")
    dev.save(ROUTES, "\nthis is no Python\n", "\n")
    assert dev.says("api is ready")
    assert dev.echo("once more") == "ONCE MORE"

    dev.child.send_signal(signal.SIGINT)
    assert dev.child.wait(30) == 0
    assert wait_until(lambda: dev.checkout.processes() == [], 5)
    assert "Traceback (most recent call last)" not in dev.output.read_text().rpartition("stopping")[2]


def test_a_taken_port_is_told(checkout: Checkout) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as server:
        port = server.getsockname()[1]
        (checkout.folder / ".env").write_text(f"HANDOFF_API_PORT={port}\n")
        script = str(checkout.folder / "scripts/dev.py")
        answer = subprocess.run(
            [sys.executable, script], cwd=checkout.folder, env=checkout.env, capture_output=True, text=True, check=False
        )
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == f"Port {port} is taken: set HANDOFF_API_PORT to a free one.\n"
