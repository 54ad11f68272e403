"""`make up` checks settings and writes secrets before it starts Compose."""

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
    """Return a folder that replaces the checkout."""
    monkeypatch.setattr(compose, "ROOT", tmp_path)
    monkeypatch.setattr(compose, "ENV", tmp_path / ".env")
    monkeypatch.setattr(compose, "SECRETS", tmp_path / ".handoff" / "secrets")
    return tmp_path


def test_good_settings_have_no_error() -> None:
    assert compose.setting_errors(GOOD, production=False) == []
    assert compose.setting_errors({**GOOD, "HANDOFF_API_KEYS": KEY}, production=True) == []


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("value", ["", "change-me-to-a-password", "admin:change-me", "admin:"])
def test_a_missing_secret_is_an_error(name: str, value: str) -> None:
    (error,) = compose.setting_errors({**GOOD, name: value}, production=False)
    assert error.startswith(f"{name} in .env is missing or still a placeholder: ")


def test_production_needs_an_api_key() -> None:
    (error,) = compose.setting_errors(GOOD, production=True)
    assert "make key NAME=client" in error


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


def test_secrets_are_written_once_into_a_private_folder(folder: Path) -> None:
    assert compose.write_secrets(GOOD, production=True)
    written = folder / ".handoff" / "secrets"
    assert stat.S_IMODE(written.stat().st_mode) == 0o700
    files = {file.name: file for file in written.iterdir() if file.is_file()}
    assert {name: file.read_text() for name, file in files.items()} == compose.secret_files(GOOD)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files.values()} == {0o644}
    assert not compose.write_secrets(GOOD, production=True)
    assert compose.write_secrets({**GOOD, "FLOWER_BASIC_AUTH": "admin:another"}, production=True)


def test_removed_credentials_of_providers_are_deleted(folder: Path) -> None:
    written, kept = folder / ".handoff" / "secrets" / "apps", folder / "apps"
    compose.write_secrets(GOOD, production=True)
    assert list(written.iterdir()) == []
    kept.mkdir()
    (kept / "fcm.default.json").write_text("{}")
    assert not compose.write_secrets(GOOD, production=True), "no container is recreated"
    assert [file.name for file in written.iterdir()] == ["fcm.default.json"]
    (kept / "fcm.default.json").unlink()
    (kept / "fcm.shop.json").write_text("{}")
    compose.write_secrets(GOOD, production=True)
    assert [file.name for file in written.iterdir()] == ["fcm.shop.json"]


def test_in_development_mail_goes_to_the_sink_unless_configured(folder: Path) -> None:
    assert json.loads(compose.app_files({}, production=False)["smtp.default.json"])["host"] == "mail"
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "smtp.default.json").write_text("mine")
    files = compose.app_files({"HANDOFF_APPS_DIR": "elsewhere"}, production=False)
    assert files == {"smtp.default.json": "mine"}


def test_places_name_every_url() -> None:
    said = "\n".join(compose.places({**GOOD, "HANDOFF_API_PORT": "8001"}, production=False))
    assert "http://127.0.0.1:8001/docs" in said
    assert "http://127.0.0.1:5555  (login admin:login)" in said
    assert compose.places(GOOD, production=True)[0].endswith(" to the network handoff_front.")
    assert "another_front" in compose.places({"COMPOSE_PROJECT_NAME": "another"}, production=True)[0]


def test_a_missing_docker_is_an_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "argv", ["compose"])
    assert compose.main() == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "`make up` needs Docker with Compose: https://docs.docker.com/engine/install\n")


def test_the_lock_of_dclint_names_no_registry() -> None:
    lock = json.loads((ROOT / "deploy/compose/package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages["node_modules/dclint"]["version"].startswith("3.")
    assert all("resolved" not in package and package["integrity"] for package in packages.values())


def test_passwords_are_those_of_redis_users() -> None:
    assert compose.PASSWORDS.keys() == RULES.keys()
