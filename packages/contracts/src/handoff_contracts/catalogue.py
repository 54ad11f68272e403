"""The catalogue of all contracts, found in the modules of `handoff_contracts.tasks` at import."""

import pkgutil
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

from handoff_contracts import tasks
from handoff_contracts.contract import Contract

AnyContract = Contract[Any, Any]


class UnknownContract(LookupError):
    """No contract has the requested name."""


class Catalogue:
    """Contracts by name."""

    def __init__(self, contracts: Iterable[AnyContract]) -> None:
        self._by_name: dict[str, AnyContract] = {}
        for contract in contracts:
            if contract.name in self._by_name:
                raise ValueError(f"two contracts are named {contract.name!r}")
            self._by_name[contract.name] = contract

    def __getitem__(self, name: str) -> AnyContract:
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownContract(name) from None

    def __iter__(self) -> Iterator[AnyContract]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)


def _find_contracts() -> Iterator[AnyContract]:
    for module in sorted(pkgutil.iter_modules(tasks.__path__), key=lambda module: module.name):
        values = vars(import_module(f"{tasks.__name__}.{module.name}")).values()
        yield from (value for value in values if isinstance(value, Contract))


CATALOGUE = Catalogue(_find_contracts())
