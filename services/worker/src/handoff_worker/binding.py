"""Binds each contract to its handler."""

import inspect
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

from handoff_contracts import Contract, Payload, Result
from handoff_worker.resources import Resources

P = TypeVar("P", bound=Payload)
R = TypeVar("R", bound=Result)
Handler = Callable[[P, Resources], R] | Callable[[P, Resources], Awaitable[R]]


@dataclass(frozen=True, slots=True)
class Binding:
    """A contract and its handler. An `asynchronous` handler runs on the event loop of a pool process."""

    contract: Contract[Any, Any]
    handler: Callable[[Any, Resources], Any]
    asynchronous: bool


_bindings: dict[str, Binding] = {}


def handles(contract: Contract[P, R]) -> Callable[[Handler[P, R]], Handler[P, R]]:
    """Decorates the contract's handler: a sync or async function `(payload, resources) -> result`.

    Raises:
        ValueError: the contract has a handler already.
    """

    def bind(handler: Handler[P, R]) -> Handler[P, R]:
        if contract.name in _bindings:
            raise ValueError(f"{contract.name!r} has a handler already")
        _bindings[contract.name] = Binding(contract, handler, inspect.iscoroutinefunction(handler))
        return handler

    return bind


def bindings() -> list[Binding]:
    """Imports every module of `handoff_worker.handlers`, and returns their bindings."""
    package = import_module("handoff_worker.handlers")
    for module in pkgutil.iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    return list(_bindings.values())
