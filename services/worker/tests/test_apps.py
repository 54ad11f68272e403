"""A credential's file that changed is read again, however it changed."""

import os
from pathlib import Path

import pytest

from handoff_worker.delivery.apps import Apps
from handoff_worker.errors import Fail
from handoff_worker.settings import Settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "fcm.shop.json"
    file.write_text("one")
    return file


@pytest.fixture
def apps(file: Path) -> Apps:
    return Apps(Settings(env="development", apps_dir=file.parent))


def test_an_unchanged_file_is_read_once(apps: Apps) -> None:
    assert apps.get("fcm", "shop") is apps.get("fcm", "shop")


def test_a_change_within_one_tick_of_the_clock_is_seen(apps: Apps, file: Path) -> None:
    first, tick = apps.get("fcm", "shop"), file.stat().st_mtime_ns
    file.write_text("another")
    os.utime(file, ns=(tick, tick))
    second = apps.get("fcm", "shop")
    assert (first.text, second.text) == ("one", "another")
    assert first.channel != second.channel
    new = file.with_suffix(".new")
    new.write_text("and one")
    os.utime(new, ns=(tick, tick))
    new.replace(file)
    assert apps.get("fcm", "shop").text == "and one"


def test_a_removed_file_fails(apps: Apps, file: Path) -> None:
    apps.get("fcm", "shop")
    file.unlink()
    with pytest.raises(Fail, match="no_such_app"):
        apps.get("fcm", "shop")
