"""A contract has one handler, and every module of the handlers' package is imported."""

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


def echo(ask: Ask, _: Resources) -> Answer:
    return Answer(text=ask.text)


async def asynchronous_echo(ask: Ask, _: Resources) -> Answer:
    return Answer(text=ask.text)


@pytest.fixture(autouse=True)
def _restore_bindings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    bindings()
    monkeypatch.setattr(binding, "_bindings", dict(binding._bindings))
    modules = set(sys.modules)
    yield
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def test_every_contract_has_a_handler() -> None:
    assert {bound.contract.name for bound in bindings()} == {contract.name for contract in CATALOGUE}


@pytest.mark.parametrize(("handler", "asynchronous"), [(echo, False), (asynchronous_echo, True)])
def test_a_binding_knows_whether_its_handler_is_asynchronous(
    handler: Callable[[Ask, Resources], Any], asynchronous: bool
) -> None:
    assert handles(ASK)(handler) is handler
    (bound,) = [bound for bound in bindings() if bound.contract is ASK]
    assert bound.handler is handler
    assert bound.asynchronous is asynchronous


def test_a_contract_has_one_handler() -> None:
    handles(ASK)(echo)
    with pytest.raises(ValueError, match=r"'test\.ask' has a handler already"):
        handles(ASK)(asynchronous_echo)


def test_a_new_module_among_the_handlers_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ask.py").write_text(
        f"from handoff_worker.binding import handles\nfrom {__name__} import ASK, echo\nhandles(ASK)(echo)\n"
    )
    monkeypatch.setattr(handlers, "__path__", [*handlers.__path__, str(tmp_path)])
    assert "test.ask" in {bound.contract.name for bound in bindings()}
