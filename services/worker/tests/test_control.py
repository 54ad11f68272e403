"""Celery's remote control without a worker: the list of commands, and the errors of a revoke."""

from types import SimpleNamespace
from typing import Any

import pytest
from celery.worker.control import Panel

from handoff_worker.celery_bridge.app import process
from handoff_worker.celery_bridge.control import REFUSED
from handoff_worker.celery_bridge.revoke import MAX_IDS, Revoker
from handoff_worker.settings import Settings

HANDOFF_COMMANDS = {
    *REFUSED,
    *("revoke", "terminate", "shutdown", "pool_grow", "pool_shrink", "autoscale", "add_consumer", "cancel_consumer"),
}
CELERY_COMMANDS = {"enable_events", "heartbeat"}
AN_ID = "0" * 26


def test_every_control_command_of_celery_has_a_stated_result() -> None:
    commands = {name for name, about in Panel.meta.items() if about.type == "control"}
    assert commands == HANDOFF_COMMANDS | CELERY_COMMANDS
    modules = {name: Panel.data[name].__module__.partition(".")[0] for name in commands}
    assert {name for name, module in modules.items() if module == "handoff_worker"} == HANDOFF_COMMANDS


@pytest.mark.parametrize("name", sorted(HANDOFF_COMMANDS))
def test_the_command_line_finds_the_help_of_a_command(name: str) -> None:
    assert Panel.meta[name].help.endswith(".")
    assert len(Panel.meta[name].help) > 10


@pytest.mark.parametrize(
    ("ids", "error"),
    [
        (AN_ID, "Some tasks were not revoked, revoke them again: "),
        ([AN_ID] * 2, "Some tasks were not revoked, revoke them again: "),
        ([], "Name from 1 to 10000 ids."),
        ([str(number) for number in range(MAX_IDS + 1)], "Name from 1 to 10000 ids."),
    ],
)
@pytest.mark.parametrize("terminate", [False, True])
def test_an_impossible_revoke_replies_with_an_error(ids: object, error: str, terminate: bool) -> None:
    settings = Settings(broker_url="redis://127.0.0.1:1/0")
    state: Any = SimpleNamespace(consumer=SimpleNamespace(pool=None))
    reply = Revoker(settings, process).revoke(state, ids, terminate=terminate)
    assert str(reply["error"]).startswith(error)
    assert "ok" not in reply
