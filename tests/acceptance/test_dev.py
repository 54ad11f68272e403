"""`make dev`, in a copy of the source: a save is live, a broken save is survived, Ctrl-C leaves nothing."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import httpx2
import pytest
from redis import Redis

from process import free_port, wait_until
from stack import ROOT, answers
from tests.acceptance.checkout import Checkout

ECHO = "services/worker/src/handoff_worker/handlers/system_echo.py"
ROUTES = "services/api/src/handoff_api/app.py"


def once(checkout: Checkout) -> subprocess.CompletedProcess[str]:
    """Runs one that ends by itself."""
    script = str(checkout.folder / "scripts/dev.py")
    return subprocess.run(
        [sys.executable, script],
        cwd=checkout.folder,
        env=checkout.env,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


class Dev:
    """A running `scripts/dev.py`; what it prints goes to `output`."""

    def __init__(self, checkout: Checkout) -> None:
        self.checkout = checkout
        self.url = f"http://127.0.0.1:{free_port()}"
        self.output = checkout.folder / "output"
        checkout.env["HANDOFF_API_PORT"] = self.url.rpartition(":")[2]
        checkout.env["HANDOFF_FLOWER_PORT"] = str(free_port())
        self.start()

    def start(self) -> None:
        checkout = self.checkout
        with self.output.open("wb") as output:
            self.child = subprocess.Popen(
                [sys.executable, str(checkout.folder / "scripts/dev.py")],
                cwd=checkout.folder,
                env=checkout.env,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def says(self, text: str, times: int = 1) -> bool:
        return wait_until(lambda: self.output.read_text().count(text) >= times, 90)

    def save(self, file: str, old: str, new: str) -> None:
        path = self.checkout.folder / file
        content = path.read_text()
        assert old in content
        path.write_text(content.replace(old, new))

    def interrupt(self) -> None:
        """Ctrl-C, twice: it ends well, and nothing is left."""
        self.child.send_signal(signal.SIGINT)
        self.child.send_signal(signal.SIGINT)
        assert self.child.wait(90) == 0
        assert wait_until(lambda: self.checkout.processes() == [], 5)

    def kill(self, program: str) -> None:
        found = [process for process in self.checkout.processes() if program in " ".join(process.cmdline())]
        assert found
        found[0].kill()

    def sync(self) -> None:
        """While its disk is busy, Redis answers before it has written; now it has."""
        (url,) = re.findall(r"Redis   (redis://\S+)", self.output.read_text())
        with Redis.from_url(url) as redis:
            redis.config_set("appendfsync", "always")

    def echo(self, message: str) -> str:
        """Runs a `system.echo` to its end and returns what it gave back."""
        with httpx2.Client(base_url=self.url, trust_env=False, timeout=30) as client:
            task = client.post("/v1/tasks/system.echo", json={"message": message}).raise_for_status().json()

            def state() -> dict[str, str]:
                return dict(client.get(f"/v1/tasks/{task['id']}").raise_for_status().json())

            assert wait_until(lambda: state()["state"] == "succeeded", 30), state()
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

    dev.interrupt()
    assert "Traceback (most recent call last)" not in dev.output.read_text().rpartition("stopping")[2]


@contextmanager
def noise(file: Path) -> Iterator[None]:
    """Something that is no source changes all the time."""
    quiet = Event()

    def write() -> None:
        while not quiet.wait(0.02):
            file.write_text("noise")

    with ThreadPoolExecutor() as threads:
        threads.submit(write)
        try:
            yield
        finally:
            quiet.set()


def test_it_starts_whatever_changes_beside_the_sources(checkout: Checkout) -> None:
    with noise(checkout.folder / "services/api/src/noise.log"):
        dev = Dev(checkout)
        assert dev.says("Ctrl-C stops everything")
    dev.interrupt()


def test_a_save_while_it_starts_is_live(dev: Dev) -> None:
    assert wait_until(lambda: len(dev.checkout.processes()) > 4, 60)
    dev.save(ECHO, "message=echo.message", "message=echo.message.upper()")
    assert dev.says("system_echo.py changed: restarting worker1")
    assert dev.says("worker1 is ready")
    assert dev.echo("hello") == "HELLO"


def test_tasks_survive_a_restart_of_redis_and_of_the_stack(dev: Dev) -> None:
    assert dev.says("Ctrl-C stops everything"), dev.output.read_text()
    answer = httpx2.post(f"{dev.url}/v1/tasks/system.echo?delay=3600", json={}, trust_env=False, timeout=30)
    task = answer.raise_for_status().json()
    dev.sync()
    dev.kill("valkey-server")
    assert dev.says("redis has ended: starting it again")
    assert dev.says("redis is ready")
    assert wait_until(lambda: answers(f"{dev.url}/readyz"), 30)
    assert dev.echo("hello") == "hello"
    answer = httpx2.get(f"{dev.url}/v1/tasks/{task['id']}", trust_env=False, timeout=30)
    assert answer.json()["state"] == "scheduled"

    dev.kill("handoff_flower")
    assert dev.says("flower is ready")

    again = once(dev.checkout)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == "`make dev` runs in this folder already: stop it first, with Ctrl-C.\n"
    assert dev.echo("still there") == "still there"
    dev.interrupt()

    dev.start()
    assert dev.says("Ctrl-C stops everything"), dev.output.read_text()
    answer = httpx2.get(f"{dev.url}/v1/tasks/{task['id']}", trust_env=False, timeout=30)
    assert answer.json()["state"] == "scheduled"
    dev.interrupt()


def diagnose(checkout: Checkout) -> str:
    """Return what `make doctor` prints. A worker reports itself to the ledger a moment after it is ready."""
    command = [sys.executable, str(checkout.folder / "scripts/doctor.py")]
    return subprocess.run(command, env=checkout.env, capture_output=True, text=True, check=False).stdout


def test_it_says_where_things_are(checkout: Checkout) -> None:
    (checkout.folder / ".env").write_text((ROOT / ".env.example").read_text())
    dev = Dev(checkout)
    assert dev.says("Ctrl-C stops everything"), dev.output.read_text()
    shown = dev.output.read_text()
    assert f"API     {dev.url}/docs\n" in shown
    assert re.search(r"Redis   redis://\S+  \(`make doctor` checks it\)\n", shown)
    assert shown.endswith(f"API     {dev.url}/docs\ndev     | Ctrl-C stops everything\n")
    assert not re.search(r"Visit me at|overcommit|SecurityWarning|Inspect method", shown)
    assert wait_until(lambda: diagnose(checkout).startswith("All is well"), 30), diagnose(checkout)
    log = checkout.folder / "notification.log"
    assert f"Log     {log} " in shown
    body = {"token": "device-1"}
    httpx2.post(f"{dev.url}/v1/tasks/push.send", json=body, trust_env=False, timeout=30).raise_for_status()
    assert wait_until(lambda: log.exists() and "device-1" in log.read_text(), 30)
    dev.interrupt()


def test_an_interrupt_while_it_starts_leaves_nothing(checkout: Checkout) -> None:
    dev = Dev(checkout)
    assert wait_until(lambda: len(checkout.processes()) > 4, 60)
    dev.interrupt()
    assert "Traceback" not in dev.output.read_text()


def test_an_interrupt_before_anything_runs_is_silent(checkout: Checkout) -> None:
    module = checkout.folder / "scripts/terminal.py"
    module.write_text("import signal; signal.raise_signal(signal.SIGINT)\n" + module.read_text())
    answer = once(checkout)
    assert (answer.returncode, answer.stdout, answer.stderr) == (-signal.SIGINT, "", "")


def test_refused_settings_end_it(checkout: Checkout) -> None:
    ports = {f"HANDOFF_{part}_PORT": str(free_port()) for part in ("API", "FLOWER")}
    checkout.env.update(ports, HANDOFF_ENV="production")
    answer = once(checkout)
    assert answer.returncode == 2, answer.stdout
    assert "api     | handoff: HANDOFF_API_KEY_PEPPER is empty" in answer.stdout
    assert "api refuses its settings: stopping everything" in answer.stdout
    assert "http://" not in answer.stdout
    assert "Ctrl-C" not in answer.stdout
    assert answer.stderr == ""
    assert wait_until(lambda: checkout.processes() == [], 5)


def test_a_taken_port_is_told(checkout: Checkout) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as server:
        port = server.getsockname()[1]
        (checkout.folder / ".env").write_text(f"HANDOFF_API_PORT={port}\n")
        answer = once(checkout)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == f"Port {port} is taken: set HANDOFF_API_PORT to a free one.\n"
