"""`make up` in a new clone: everything runs, says where it is, and runs what is saved."""

import re
import secrets
import stat
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx2
import pytest

from process import wait_until
from tests.containers.clone import SERVICES, Clone
from tests.containers.engine import docker, logs

SENTENCE = "Successfully sent push notification to: "
ECHO = "services/worker/src/handoff_worker/handlers/system_echo.py"
OPENAPI = "services/api/src/handoff_api/openapi.py"
LIVE_SECONDS = 10  # after a save
MAIL = "import smtplib; smtplib.SMTP('mail', 8025).sendmail('a@example.com', 'b@example.com', 'Subject: {}\\n\\nHello')"


class Development(NamedTuple):
    """The running stack, and what its first `make up` printed."""

    clone: Clone
    printed: str
    api: httpx2.Client

    @property
    def flower(self) -> str:
        return f"http://127.0.0.1:{self.clone.ports['flower']}"

    def save(self, file: str, old: str, new: str) -> None:
        path = self.clone.folder / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    def get(self, path: str) -> dict[str, Any]:
        """What a GET gives; nothing while there is no answer."""
        try:
            answer = self.api.get(path)
        except httpx2.TransportError:
            return {}
        return dict(answer.json()) if answer.status_code == 200 else {}

    def echo(self, message: str, seconds: float = LIVE_SECONDS) -> str:
        """What a `system.echo` gives back, within the seconds."""
        location = (
            self.api.post("/v1/tasks/system.echo", json={"message": message}).raise_for_status().headers["Location"]
        )
        assert wait_until(lambda: self.get(location).get("state") == "succeeded", seconds), self.get(location)
        return str(self.get(location)["result"]["message"])

    def starts(self) -> dict[str, tuple[str, str, int]]:
        """What changes when a container is another, or was started again."""
        return {
            service: (state["Id"], state["StartedAt"], state["Pid"]) for service, state in self.clone.states().items()
        }


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Development]:
    with Clone(tmp_path_factory.mktemp("new"), f"handoff-test-{secrets.token_hex(4)}") as clone:
        answer = clone.make("up")
        assert answer.returncode == 0, answer.stdout + answer.stderr
        url = f"http://127.0.0.1:{clone.ports['api']}"
        with httpx2.Client(base_url=url, trust_env=False, timeout=10) as api:
            yield Development(clone, answer.stdout, api)


@pytest.fixture
def dev(running: Development) -> Iterator[Development]:
    """Whatever a test makes it do, Redis refuses nothing."""
    yield running
    assert running.clone.refused() == ""


def test_it_says_where_everything_is(dev: Development) -> None:
    login = dev.clone.settings["FLOWER_BASIC_AUTH"]
    assert f"API     http://127.0.0.1:{dev.clone.ports['api']}/docs\n" in dev.printed
    assert f"Flower  {dev.flower}  (login {login})\n" in dev.printed
    assert dev.api.get("/docs").status_code == 200
    assert {state["Health"]["Status"] for state in dev.clone.states().values()} == {"healthy"}
    assert dev.clone.states().keys() == {*SERVICES, "mail"}


def test_the_first_one_makes_secrets(dev: Development) -> None:
    env = dev.clone.folder / ".env"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert not re.search(r"^[A-Z_]+=.*change-me", env.read_text(), re.MULTILINE)
    assert len(set(dev.clone.secrets)) == len(dev.clone.secrets) > 5
    assert all(re.fullmatch(r"[0-9a-f]{32}", secret) for secret in dev.clone.secrets)
    assert stat.S_IMODE((dev.clone.folder / ".handoff/secrets").stat().st_mode) == 0o700


def test_a_second_one_restarts_nothing(dev: Development) -> None:
    before = dev.starts()
    answer = dev.clone.make("up")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == dev.printed.replace("Created .env with new secrets.\n", "")
    assert dev.starts() == before


def test_a_batch_of_ten_thousand(dev: Development) -> None:
    tokens = [f"device-{number}" for number in range(10_000)]
    body = {"common": {"title": "Handoff"}, "items": [{"token": token} for token in tokens]}
    location = dev.api.post("/v1/batches/push.send", json=body).raise_for_status().headers["Location"]
    assert wait_until(lambda: bool(dev.get(location).get("finished_at")), 60), dev.get(location)
    assert dev.get(location)["counts"]["succeeded"] == 10_000
    assert Counter(dev.clone.notifications()) == Counter(SENTENCE + token for token in tokens)


def test_flower_shows_the_workers_to_who_has_the_login(dev: Development) -> None:
    user, _, password = dev.clone.settings["FLOWER_BASIC_AUTH"].partition(":")
    assert httpx2.get(f"{dev.flower}/", trust_env=False).status_code == 401
    assert httpx2.get(f"{dev.flower}/", auth=(user, "wrong"), trust_env=False).status_code == 401
    with httpx2.Client(base_url=dev.flower, auth=(user, password), trust_env=False, timeout=10) as flower:
        assert "Flower" in flower.get("/").raise_for_status().text
        assert wait_until(lambda: len(flower.get("/api/workers", params={"refresh": True}).json()) == 3, 20)
        assert "flower_" in flower.get("/metrics").raise_for_status().text


def test_mail_ends_in_the_sink(dev: Development) -> None:
    dev.clone.inside("worker", "python", "-c", MAIL.format("an invoice"))
    assert wait_until(lambda: "Subject: an invoice" in logs(dev.clone.container("mail")), 5)


def test_a_saved_handler_is_live_and_a_broken_one_is_survived(dev: Development) -> None:
    before = dev.starts()
    assert dev.echo("hello") == "hello"

    dev.save(ECHO, "message=echo.message", "message=echo.message.upper()")
    assert wait_until(lambda: dev.echo("hello") == "HELLO", LIVE_SECONDS)

    dev.save(ECHO, "return Echoed", "return return Echoed")
    assert wait_until(lambda: "SyntaxError" in logs(dev.clone.container("worker")), LIVE_SECONDS)
    waits = dev.api.post("/v1/tasks/system.echo", json={"message": "later"}).raise_for_status().headers["Location"]
    dev.save(ECHO, "return return Echoed", "return Echoed")
    assert wait_until(lambda: dev.get(waits).get("state") == "succeeded", LIVE_SECONDS), dev.get(waits)
    assert dev.get(waits)["result"] == {"message": "LATER"}

    dev.save(ECHO, "message=echo.message.upper()", "message=echo.message")
    assert wait_until(lambda: dev.echo("hello") == "hello", LIVE_SECONDS)
    assert dev.starts() == before, "a container was started again"


def test_a_saved_api_is_live_and_a_broken_one_is_survived(dev: Development) -> None:
    def describes_itself(text: str) -> bool:
        return bool(dev.get("/openapi.json").get("info", {}).get("description", "").startswith(text))

    before = dev.starts()
    dev.save(OPENAPI, "Hand the work off", "Pass the work on")
    assert wait_until(lambda: describes_itself("Pass the work on"), LIVE_SECONDS)

    dev.save(OPENAPI, "\n", "\nthis is no Python\n")
    assert wait_until(lambda: dev.get("/readyz") == {}, LIVE_SECONDS)
    dev.save(OPENAPI, "\nthis is no Python\n", "\n")
    assert wait_until(lambda: describes_itself("Pass the work on"), LIVE_SECONDS)
    dev.save(OPENAPI, "Pass the work on", "Hand the work off")
    assert wait_until(lambda: describes_itself("Hand the work off"), LIVE_SECONDS)
    assert dev.echo("still there") == "still there"
    assert dev.starts() == before, "a container was started again"


def test_what_env_says_takes_effect_and_the_data_stay(dev: Development) -> None:
    location = dev.api.post("/v1/tasks/system.echo?delay=3600", json={}).raise_for_status().headers["Location"]
    user, _, password = dev.clone.settings["FLOWER_BASIC_AUTH"].partition(":")
    dev.clone.set("FLOWER_BASIC_AUTH", "admin:another-one")
    answer = dev.clone.make("up")
    assert answer.returncode == 0, answer.stderr
    assert "(login admin:another-one)" in answer.stdout
    assert httpx2.get(dev.flower, auth=("admin", "another-one"), trust_env=False).status_code == 200
    assert httpx2.get(dev.flower, auth=(user, password), trust_env=False).status_code == 401
    assert dev.get(location)["state"] == "scheduled"


def test_a_missing_password_starts_nothing(dev: Development) -> None:
    before, name = dev.starts(), "HANDOFF_REDIS_API_PASSWORD"
    password = dev.clone.settings[name]
    dev.clone.set(name, "")
    answer = dev.clone.make("up")
    assert answer.returncode == 2
    assert f"{name} in .env is missing or still a placeholder" in answer.stderr
    assert dev.starts() == before
    dev.clone.set(name, password)


def test_down_leaves_the_data_alone(running: Development) -> None:
    answer = running.clone.make("down")
    assert answer.returncode == 0, answer.stderr
    assert running.clone.states() == {}
    volumes = docker("volume", "ls", "--format={{.Name}}").split()
    assert {f"{running.clone.project}_{name}" for name in ("flower", "redis", "worker")} <= set(volumes)
