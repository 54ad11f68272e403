"""Invalid settings are refused with a sentence that contains no secret."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from handoff_common.settings import SharedSettings, is_placeholder, load
from handoff_ledger import Limits

SECRET = "hunter2-hunter2"


@pytest.fixture(autouse=True)
def _no_dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    """Returns what `load` prints before it exits."""
    with pytest.raises(SystemExit) as exit:
        load(SharedSettings)
    assert exit.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err


def test_the_defaults_are_for_production() -> None:
    settings = load(SharedSettings)
    assert (settings.env, settings.development) == ("production", False)
    assert settings.broker_url == "redis://127.0.0.1:6379/0"
    assert Limits.of(settings) == Limits(retention_ms=7 * 86_400_000, queue=1_000_000)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDOFF_ENV", "development")
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://cache:6380/3")
    monkeypatch.setenv("HANDOFF_RETENTION_DAYS", "0.5")
    monkeypatch.setenv("HANDOFF_QUEUE_LIMIT", "12")
    settings = load(SharedSettings)
    assert (settings.development, settings.broker_url) == (True, "redis://cache:6380/3")
    assert Limits.of(settings) == Limits(retention_ms=43_200_000, queue=12)


def test_settings_come_from_a_dotenv_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("HANDOFF_ENV=development\nHANDOFF_QUEUE_LIMIT=5\nSOMETHING_ELSE=1\n")
    monkeypatch.setenv("HANDOFF_QUEUE_LIMIT", "6")
    settings = load(SharedSettings)
    assert (settings.env, settings.queue_limit) == ("development", 6)


@pytest.mark.parametrize(
    ("broker", "backend"),
    [
        ("redis://127.0.0.1:6379/0", ""),
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://127.0.0.1", "redis://127.0.0.1:6379/0"),
        ("redis://:secret@cache/1", "redis://user:other@cache:6379/1"),
    ],
)
def test_the_result_backend_can_name_the_same_redis(monkeypatch: pytest.MonkeyPatch, broker: str, backend: str) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", broker)
    monkeypatch.setenv("CELERY_RESULT_BACKEND", backend)
    assert load(SharedSettings).result_backend == backend


@pytest.mark.parametrize(
    "backend",
    [
        f"redis://:{SECRET}@other:6379/0",
        f"redis://:{SECRET}@cache:6380/0",
        f"redis://:{SECRET}@cache:6379/1",
        f"db+postgresql://user:{SECRET}@cache/results",
        "rpc://",
    ],
)
def test_a_different_result_backend_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], backend: str
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", f"redis://:{SECRET}@cache:6379/0")
    monkeypatch.setenv("CELERY_RESULT_BACKEND", backend)
    printed = refusal(capsys)
    assert printed.startswith("handoff: CELERY_RESULT_BACKEND names another Redis than CELERY_BROKER_URL: unset it.")
    assert SECRET not in printed
    assert printed.count("\n") == 1


@pytest.mark.parametrize("url", [f"redis://:{SECRET}/x@cache:6379/0", f"redis://:{SECRET}#x@cache:6379/0"])
def test_a_password_that_breaks_its_url_is_not_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", url)
    monkeypatch.setenv("CELERY_RESULT_BACKEND", url)
    assert SECRET not in refusal(capsys)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HANDOFF_ENV", SECRET),
        ("HANDOFF_LOG_LEVEL", SECRET),
        ("HANDOFF_RETENTION_DAYS", SECRET),
        ("HANDOFF_RETENTION_DAYS", "0"),
        ("HANDOFF_RETENTION_DAYS", "366"),
        ("HANDOFF_RETENTION_DAYS", "nan"),
        ("HANDOFF_QUEUE_LIMIT", "0"),
        ("HANDOFF_QUEUE_LIMIT", "1.5"),
    ],
)
def test_an_invalid_setting_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    printed = refusal(capsys)
    assert printed.startswith(f"handoff: {name.removeprefix('HANDOFF_').lower()}: ")
    assert SECRET not in printed


def test_a_broker_other_than_redis_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "amqp://guest@localhost//")
    assert "redis://" in refusal(capsys)


def test_all_invalid_settings_are_printed_together(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HANDOFF_ENV", "test")
    monkeypatch.setenv("HANDOFF_QUEUE_LIMIT", "0")
    assert refusal(capsys).count("handoff: ") == 2


def test_an_uncaught_error_contains_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDOFF_ENV", SECRET)
    with pytest.raises(ValidationError) as caught:
        SharedSettings()
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("secret", "placeholder"), [("", True), ("change-me", True), ("change-me-too", True), (SECRET, False)]
)
def test_placeholder_secrets(secret: str, placeholder: bool) -> None:
    assert is_placeholder(secret) is placeholder
