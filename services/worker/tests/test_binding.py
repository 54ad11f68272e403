"""A contract has one handler; the handlers' modules are found by themselves."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from handoff_contracts import CATALOGUE, Contract
from handoff_worker import binding, handlers
from handoff_worker.binding import bindings, handles
from handoff_worker.resources import Resources
from services.worker.tests.support import Answer, Ask

ASK = Contract(name="test.ask", version=1, payload=Ask, result=Answer, summary="A test.")


def sync(ask: Ask, _: Resources) -> Answer:
    return Answer(text=ask.text)


async def on_loop(ask: Ask, _: Resources) -> Answer:
    return Answer(text=ask.text)


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    bindings()
    monkeypatch.setattr(binding, "_bindings", dict(binding._bindings))
    modules = set(sys.modules)
    yield
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def test_every_contract_in_the_box_has_a_handler() -> None:
    assert {bound.contract.name for bound in bindings()} == {contract.name for contract in CATALOGUE}


@pytest.mark.parametrize(("handler", "asynchronous"), [(sync, False), (on_loop, True)])
def test_the_kind_of_a_handler_is_seen(handler: Callable[[Ask, Resources], Any], asynchronous: bool) -> None:
    assert handles(ASK)(handler) is handler
    (bound,) = [bound for bound in bindings() if bound.contract is ASK]
    assert bound.handler is handler
    assert bound.asynchronous is asynchronous


def test_a_contract_has_one_handler() -> None:
    handles(ASK)(sync)
    with pytest.raises(ValueError, match=r"'test\.ask' has a handler already"):
        handles(ASK)(on_loop)


def test_a_module_put_beside_the_handlers_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ask.py").write_text(
        f"from handoff_worker.binding import handles\nfrom {__name__} import ASK, sync\nhandles(ASK)(sync)\n"
    )
    monkeypatch.setattr(handlers, "__path__", [*handlers.__path__, str(tmp_path)])
    assert "test.ask" in {bound.contract.name for bound in bindings()}
