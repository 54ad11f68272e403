"""The cache of parsed credentials: when it parses again, and when it looks at a file."""

from pathlib import Path

import pytest

from handoff_worker.delivery import credential_cache
from handoff_worker.delivery.apps import App, Apps
from handoff_worker.delivery.credential_cache import CredentialCache
from handoff_worker.errors import Fail
from handoff_worker.settings import Settings


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def apps(tmp_path: Path) -> Apps:
    (tmp_path / "apns.default.json").write_text("1")
    return Apps(Settings(env="development", apps_dir=tmp_path))


def write(folder: Path, text: str) -> None:
    (folder / "apns.default.json").write_text(text)


def test_a_file_is_parsed_once_and_again_after_a_change(apps: Apps, tmp_path: Path) -> None:
    parsed: list[str] = []
    discarded: list[str] = []

    def parse(app: App) -> str:
        parsed.append(app.text)
        return app.text

    cache = CredentialCache(apps, "apns", parse, discard=discarded.append)
    assert [cache.get("default") for _ in range(2)] == ["1", "1"]
    write(tmp_path, "22")
    assert [cache.get("default") for _ in range(2)] == ["22", "22"]
    assert (parsed, discarded, cache.values()) == (["1", "22"], ["1"], ["22"])


def test_a_change_is_seen_after_the_recheck_time(apps: Apps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(credential_cache, "time", clock)
    cache = CredentialCache(apps, "apns", lambda app: app.text, recheck_seconds=1.0)
    assert cache.get("default") == "1"
    write(tmp_path, "22")
    clock.now += 0.9
    assert cache.get("default") == "1"
    clock.now += 0.2
    assert cache.get("default") == "22"


def test_a_malformed_file_replaces_nothing(apps: Apps, tmp_path: Path) -> None:
    cache = CredentialCache(apps, "apns", lambda app: int(app.text))
    assert cache.get("default") == 1
    write(tmp_path, "5ecret")
    for _ in range(2):
        with pytest.raises(Fail, match="bad_credential") as failed:
            cache.get("default")
        assert "5ecret" not in f"{failed.value!r} {failed.value.failure}"
        assert failed.value.__suppress_context__
    write(tmp_path, "3")
    assert cache.get("default") == 3
