"""Binds a contract to the plain function that does its work."""

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
    """A contract and its handler; `asynchronous` ones run on the process's event loop."""

    contract: Contract[Any, Any]
    handler: Callable[[Any, Resources], Any]
    asynchronous: bool


_bindings: dict[str, Binding] = {}


def handles(contract: Contract[P, R]) -> Callable[[Handler[P, R]], Handler[P, R]]:
    """Makes the decorated `(payload, resources) -> result` the contract's handler, sync or async."""

    def bind(handler: Handler[P, R]) -> Handler[P, R]:
        if contract.name in _bindings:
            raise ValueError(f"{contract.name!r} has a handler already")
        _bindings[contract.name] = Binding(contract, handler, inspect.iscoroutinefunction(handler))
        return handler

    return bind


def bindings() -> list[Binding]:
    """Every binding: the modules of `handoff_worker.handlers` are imported for it."""
    package = import_module("handoff_worker.handlers")
    for module in pkgutil.iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    return list(_bindings.values())
