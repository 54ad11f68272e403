"""The settings with which Flower refuses to start, and the options that it gets."""

import pytest

from handoff_common.settings import load
from handoff_flower.options import flower_environment, needs_login
from handoff_flower.settings import Settings

LOGIN = "ops:a long password"
SECRET = "a random text"


@pytest.fixture(autouse=True)
def production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWER_BASIC_AUTH", LOGIN)
    monkeypatch.setenv("FLOWER_COOKIE_SECRET", SECRET)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("FLOWER_BASIC_AUTH", "", "FLOWER_BASIC_AUTH has no password, or a placeholder: set it to user:password"),
        ("FLOWER_BASIC_AUTH", "ops", "FLOWER_BASIC_AUTH has no password"),
        ("FLOWER_BASIC_AUTH", "ops:change-me-to-a-password", "FLOWER_BASIC_AUTH has no password, or a placeholder"),
        ("FLOWER_BASIC_AUTH", f"{LOGIN},guest:", "FLOWER_BASIC_AUTH has no password"),
        ("FLOWER_COOKIE_SECRET", "", "FLOWER_COOKIE_SECRET is empty or a placeholder: set it to a random text"),
        ("FLOWER_COOKIE_SECRET", "change-me", "FLOWER_COOKIE_SECRET is empty or a placeholder"),
    ],
)
def test_production_refuses_an_open_flower(
    name: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    load(Settings)
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as exit:
        load(Settings)
    assert exit.value.code == 2
    output = capsys.readouterr().err
    assert sentence in output
    assert "long password" not in output
    monkeypatch.setenv("HANDOFF_ENV", "development")
    load(Settings)


def test_flower_gets_a_login_and_memory_limits() -> None:
    variables = flower_environment(load(Settings))
    assert variables["FLOWER_BASIC_AUTH"] == LOGIN
    assert variables["FLOWER_COOKIE_SECRET"] == SECRET
    assert variables["FLOWER_READ_ONLY"] == "true"
    assert variables["FLOWER_MAX_TASKS"] == "10000"
    assert (variables["FLOWER_ADDRESS"], variables["FLOWER_PORT"]) == ("127.0.0.1", "5555")
    assert "FLOWER_DB" not in variables


def test_the_state_file_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDOFF_FLOWER_DB", "/var/lib/handoff/flower")
    variables = flower_environment(load(Settings))
    assert (variables["FLOWER_DB"], variables["FLOWER_PERSISTENT"]) == ("/var/lib/handoff/flower", "true")
    assert int(variables["FLOWER_STATE_SAVE_INTERVAL"]) > 0


def test_an_external_login_replaces_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWER_BASIC_AUTH", "")
    monkeypatch.setenv("FLOWER_AUTH", r".*@example\.com")
    settings = load(Settings)
    variables = flower_environment(settings)
    assert not needs_login(settings)
    assert variables["FLOWER_AUTH"] == r".*@example\.com"
    assert "FLOWER_BASIC_AUTH" not in variables


def test_development_generates_a_cookie_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDOFF_ENV", "development")
    monkeypatch.setenv("FLOWER_COOKIE_SECRET", "change-me")
    made = {flower_environment(load(Settings))["FLOWER_COOKIE_SECRET"] for _ in range(2)}
    assert len(made) == 2
    assert all(len(secret) > 40 for secret in made)
