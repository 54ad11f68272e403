"""`.env` is created with secrets, and its placeholders are replaced."""

import re
import stat
from pathlib import Path

import pytest

import compose
import env_file


@pytest.fixture
def env(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def secrets_of(settings: dict[str, str]) -> list[str]:
    names = ["HANDOFF_API_KEY_PEPPER", "FLOWER_BASIC_AUTH", "FLOWER_COOKIE_SECRET", *compose.PASSWORDS.values()]
    return [settings[name].rpartition(":")[2] for name in names]


def test_a_new_env_is_complete_and_private(env: Path) -> None:
    env_file.complete(env)
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    settings = env_file.read(env)
    assert compose.setting_errors(settings, production=False) == []
    assert len(set(secrets_of(settings))) == len(secrets_of(settings))
    assert [line.partition("=")[0] for line in env.read_text().splitlines()] == [
        line.partition("=")[0] for line in env_file.EXAMPLE.read_text().splitlines()
    ]


def test_a_copy_of_the_example_gets_secrets_once(env: Path) -> None:
    env.write_text(env_file.EXAMPLE.read_text())
    env_file.complete(env)
    text = env.read_text()
    assert compose.setting_errors(env_file.read(env), production=False) == []
    assert re.search(r"^FLOWER_BASIC_AUTH=admin:[0-9a-f]{32}$", text, re.MULTILINE)
    env_file.complete(env)
    assert env.read_text() == text


def test_chosen_values_stay(env: Path) -> None:
    text = "# change-me\nFLOWER_BASIC_AUTH=mine:mine\n#FLOWER_COOKIE_SECRET=change-me\n"
    env.write_text(text)
    env_file.complete(env)
    assert env.read_text() == text


def test_the_environment_wins_unless_it_is_empty(env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env.write_text("HANDOFF_API_PORT=1\nHANDOFF_FLOWER_PORT=2\nHANDOFF_LOG_LEVEL=\n")
    monkeypatch.setenv("HANDOFF_API_PORT", "3")
    monkeypatch.setenv("HANDOFF_FLOWER_PORT", "")
    settings = env_file.read(env)
    assert settings["HANDOFF_API_PORT"] == "3"
    assert settings["HANDOFF_FLOWER_PORT"] == "2"
    assert "HANDOFF_LOG_LEVEL" not in settings
