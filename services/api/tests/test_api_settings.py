"""The settings with which the API refuses to start, and the error messages."""

import re
from pathlib import Path

import pytest

from handoff_api import keys
from handoff_api.auth import digest
from handoff_api.settings import Settings
from handoff_common.settings import load


def error_message(capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as exit:
        load(Settings)
    assert exit.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("pepper", ["", "change-me", "change-me-please"])
def test_a_placeholder_pepper_is_refused_in_production(
    pepper: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HANDOFF_ENV", "production")
    monkeypatch.setenv("HANDOFF_API_KEY_PEPPER", pepper)
    assert "HANDOFF_API_KEY_PEPPER is empty or a placeholder: set it to" in error_message(capsys)
    monkeypatch.setenv("HANDOFF_ENV", "development")
    load(Settings)


def test_production_needs_a_key(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HANDOFF_ENV", "production")
    load(Settings)
    monkeypatch.setenv("HANDOFF_API_KEYS", "")
    assert "There is no API key: put" in error_message(capsys)


def test_production_is_the_default(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("HANDOFF_ENV")
    monkeypatch.setenv("HANDOFF_API_KEYS", "")
    assert "There is no API key" in error_message(capsys)


def test_only_development_may_switch_authentication_off(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HANDOFF_API_AUTH", "off")
    assert load(Settings).keys() is None
    monkeypatch.setenv("HANDOFF_ENV", "production")
    assert "HANDOFF_API_AUTH is off" in error_message(capsys)


@pytest.mark.parametrize("entry", ["client", "client=abc", f"cl ient={'0' * 64}", f"a={'0' * 64},a={'1' * 64}"])
def test_a_malformed_key_entry_is_refused_without_quoting_it(
    entry: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HANDOFF_API_KEYS", entry)
    output = error_message(capsys)
    assert "of the API keys is wrong" in output
    assert entry not in output


def test_keys_can_come_from_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "keys"
    monkeypatch.setenv("HANDOFF_API_KEYS", "")
    monkeypatch.setenv("HANDOFF_API_KEYS_FILE", str(file))
    assert "HANDOFF_API_KEYS_FILE can't be read: No such file" in error_message(capsys)
    file.write_text(f"# clients\n\nshop={digest('p', 'hk_1')}  # the shop\n")
    monkeypatch.setenv("HANDOFF_API_KEY_PEPPER", "p")
    found = load(Settings).keys()
    assert found is not None
    assert found.client(b"Bearer hk_1") == "shop"
    assert found.client(b"Bearer hk_2") is None


def test_a_new_key_is_valid_with_its_printed_entry(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["keys", "shop"])
    monkeypatch.setenv("HANDOFF_ENV", "production")
    keys.main()
    output = capsys.readouterr().out
    key, entry = re.findall(r"^  (hk_[\w-]{43}|shop=[0-9a-f]{64})$", output, re.MULTILINE)
    monkeypatch.setenv("HANDOFF_API_KEYS", entry)
    found = load(Settings).keys()
    assert found is not None
    assert found.client(f"bearer {key}".encode()) == "shop"


def test_a_key_needs_a_valid_client_name(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["keys", "a,b"])
    with pytest.raises(SystemExit) as exit:
        keys.main()
    assert exit.value.code == 2
    assert "hk_" not in capsys.readouterr().out
