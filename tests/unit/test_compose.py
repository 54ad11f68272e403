"""What `make up` does before Compose does anything."""

import json
import re
import stat
import sys
from pathlib import Path

import pytest

import compose
from handoff_ledger.acl import RULES
from stack import ROOT

GOOD = {
    "HANDOFF_API_KEY_PEPPER": "pepper",
    "FLOWER_BASIC_AUTH": "admin:login",
    "FLOWER_COOKIE_SECRET": "cookie",
    **{name: f"{user}-password" for user, name in compose.PASSWORDS.items()},
}
KEY = f"shop={'0' * 64}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of the working tree."""
    monkeypatch.setattr(compose, "ROOT", tmp_path)
    monkeypatch.setattr(compose, "ENV", tmp_path / ".env")
    monkeypatch.setattr(compose, "SECRETS", tmp_path / ".handoff" / "secrets")
    return tmp_path


def test_the_first_run_makes_a_complete_env(folder: Path) -> None:
    compose.make_env()
    env = folder / ".env"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert compose.faults(compose.read_env(), production=False) == []
    values = [compose.read_env()[name] for name in GOOD]
    assert len({value.rpartition(":")[2] for value in values}) == len(GOOD)
    example = (ROOT / ".env.example").read_text()
    assert [line.partition("=")[0] for line in env.read_text().splitlines()] == [
        line.partition("=")[0] for line in example.splitlines()
    ]


def test_an_env_that_is_there_stays(folder: Path) -> None:
    (folder / ".env").write_text("FLOWER_BASIC_AUTH=mine:mine\n")
    with pytest.raises(FileExistsError):
        compose.make_env()
    assert (folder / ".env").read_text() == "FLOWER_BASIC_AUTH=mine:mine\n"


def test_the_environment_wins_unless_it_is_empty(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".env").write_text("HANDOFF_API_PORT=1\nHANDOFF_FLOWER_PORT=2\nHANDOFF_LOG_LEVEL=\n")
    monkeypatch.setenv("HANDOFF_API_PORT", "3")
    settings = compose.read_env()
    assert settings["HANDOFF_API_PORT"] == "3"
    assert settings["HANDOFF_FLOWER_PORT"] == "2"
    assert "HANDOFF_LOG_LEVEL" not in settings


def test_nothing_is_wrong_with_good_settings() -> None:
    assert compose.faults(GOOD, production=False) == []
    assert compose.faults({**GOOD, "HANDOFF_API_KEYS": KEY}, production=True) == []


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("value", ["", "change-me-to-a-password", "admin:change-me", "admin:"])
def test_a_secret_that_is_none_is_told(name: str, value: str) -> None:
    (said,) = compose.faults({**GOOD, name: value}, production=False)
    assert said.startswith(f"{name} in .env is missing or still a placeholder: ")


def test_production_needs_a_client() -> None:
    (said,) = compose.faults(GOOD, production=True)
    assert "make key NAME=client" in said


def test_keys_come_from_the_setting_and_from_a_file(folder: Path) -> None:
    (folder / "keys").write_text("# clients\n\nblog=1  # a comment\nnews=2\n")
    assert compose.api_keys({"HANDOFF_API_KEYS": KEY, "HANDOFF_API_KEYS_FILE": "keys"}) == f"{KEY},blog=1,news=2"
    assert compose.api_keys({}) == ""


def test_every_secret_of_the_compose_file_is_written(folder: Path) -> None:
    files = compose.secret_files(GOOD)
    declared = re.findall(r"\.handoff/secrets/([a-z-]+)\}", (ROOT / "deploy/compose/compose.yaml").read_text())
    assert sorted(files) == sorted(declared)
    assert not any(GOOD[name] in files["redis-users"] for name in compose.PASSWORDS.values())
    assert files["worker-broker-url"] == "redis://worker:worker-password@redis:6379/0"


def test_secrets_are_written_where_others_cannot_enter_and_once(folder: Path) -> None:
    assert compose.write_secrets(GOOD, production=True)
    written = folder / ".handoff" / "secrets"
    assert stat.S_IMODE(written.stat().st_mode) == 0o700
    files = {file.name: file for file in written.iterdir() if file.is_file()}
    assert {name: file.read_text() for name, file in files.items()} == compose.secret_files(GOOD)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files.values()} == {0o644}
    assert not compose.write_secrets(GOOD, production=True)
    assert compose.write_secrets({**GOOD, "FLOWER_BASIC_AUTH": "admin:another"}, production=True)


def test_credentials_of_providers_are_written_as_they_are_now(folder: Path) -> None:
    written, kept = folder / ".handoff" / "secrets" / "apps", folder / "apps"
    compose.write_secrets(GOOD, production=True)
    assert list(written.iterdir()) == []
    kept.mkdir()
    (kept / "fcm.default.json").write_text("{}")
    assert not compose.write_secrets(GOOD, production=True), "no service is made anew for it"
    assert [file.name for file in written.iterdir()] == ["fcm.default.json"]
    (kept / "fcm.default.json").unlink()
    (kept / "fcm.shop.json").write_text("{}")
    compose.write_secrets(GOOD, production=True)
    assert [file.name for file in written.iterdir()] == ["fcm.shop.json"]


def test_in_development_mail_goes_to_the_sink_unless_it_is_to_go_elsewhere(folder: Path) -> None:
    assert json.loads(compose.app_files({}, production=False)["smtp.default.json"])["host"] == "mail"
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "smtp.default.json").write_text("mine")
    files = compose.app_files({"HANDOFF_APPS_DIR": "elsewhere"}, production=False)
    assert files == {"smtp.default.json": "mine"}


def test_it_says_where_things_are() -> None:
    said = "\n".join(compose.places({**GOOD, "HANDOFF_API_PORT": "8001"}, production=False))
    assert "http://127.0.0.1:8001/docs" in said
    assert "http://127.0.0.1:5555  (login admin:login)" in said
    assert compose.places(GOOD, production=True)[0].endswith(" joins the network handoff_front.")
    assert "another_front" in compose.places({"COMPOSE_PROJECT_NAME": "another"}, production=True)[0]


def test_without_docker_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "argv", ["compose"])
    assert compose.main() == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "This needs Docker with Compose: https://docs.docker.com/engine/install\n")


def test_the_lock_of_dclint_names_no_registry() -> None:
    lock = json.loads((ROOT / "deploy/compose/package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages["node_modules/dclint"]["version"].startswith("3.")
    assert all("resolved" not in package and package["integrity"] for package in packages.values())


def test_passwords_are_those_of_redis_users() -> None:
    assert compose.PASSWORDS.keys() == RULES.keys()
