"""What Flower refuses to start with, and what it is told."""

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
    said = capsys.readouterr().err
    assert sentence in said
    assert "long password" not in said
    monkeypatch.setenv("HANDOFF_ENV", "development")
    load(Settings)


def test_it_is_told_a_login_and_bounds() -> None:
    told = flower_environment(load(Settings))
    assert told["FLOWER_BASIC_AUTH"] == LOGIN
    assert told["FLOWER_COOKIE_SECRET"] == SECRET
    assert told["FLOWER_READ_ONLY"] == "true"
    assert told["FLOWER_MAX_TASKS"] == "10000"
    assert (told["FLOWER_ADDRESS"], told["FLOWER_PORT"]) == ("127.0.0.1", "5555")
    assert "FLOWER_DB" not in told


def test_state_is_kept_where_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDOFF_FLOWER_DB", "/var/lib/handoff/flower")
    told = flower_environment(load(Settings))
    assert (told["FLOWER_DB"], told["FLOWER_PERSISTENT"]) == ("/var/lib/handoff/flower", "true")
    assert int(told["FLOWER_STATE_SAVE_INTERVAL"]) > 0


def test_a_login_elsewhere_takes_the_place_of_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWER_BASIC_AUTH", "")
    monkeypatch.setenv("FLOWER_AUTH", r".*@example\.com")
    settings = load(Settings)
    told = flower_environment(settings)
    assert not needs_login(settings)
    assert told["FLOWER_AUTH"] == r".*@example\.com"
    assert "FLOWER_BASIC_AUTH" not in told


def test_development_signs_cookies_with_a_secret_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDOFF_ENV", "development")
    monkeypatch.setenv("FLOWER_COOKIE_SECRET", "change-me")
    made = {flower_environment(load(Settings))["FLOWER_COOKIE_SECRET"] for _ in range(2)}
    assert len(made) == 2
    assert all(len(secret) > 40 for secret in made)
