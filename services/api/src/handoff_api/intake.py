"""What comes in for a contract, checked: a task's payload, or a batch of them packed for the ledger."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import to_json

from handoff_api.body import parse
from handoff_api.problems import INVALID_BATCH, INVALID_PAYLOAD, MOST_FAULTS, Fault, Problem, faults, item_faults
from handoff_contracts.catalogue import AnyContract

MOST_ITEMS = 100_000
MOST_PACKS = 10_000  # all are accepted in one step, and Redis does nothing else meanwhile

Fields = dict[str, Any]


class Envelope(BaseModel):
    """The body of a batch: `common` holds the fields that all items share; an item's own field wins."""

    model_config = ConfigDict(extra="forbid")

    common: Fields = {}
    items: Annotated[list[Fields], Field(min_length=1, max_length=MOST_ITEMS)]


@dataclass(frozen=True, slots=True)
class Packed:
    """A batch for the ledger: JSON of `common`, and packs of (JSON array of items, how many)."""

    common: bytes
    packs: list[tuple[bytes, int]]
    total: int


class Intake:
    """The checks of one contract, built once."""

    def __init__(self, contract: AnyContract) -> None:
        self.contract = contract
        self._one: TypeAdapter[Any] = TypeAdapter(contract.payload)
        self._many: TypeAdapter[list[Any]] = TypeAdapter(list[contract.payload])  # type: ignore[name-defined]  # a type made at run time

    def task(self, body: bytes) -> bytes:
        """A payload as the ledger keeps it: what was set, so that an older worker is told of no field it does not know.

        Raises a `Problem` that names each fault.
        """
        return self.payload(parse(body))

    def payload(self, value: object) -> bytes:
        try:
            return self._one.dump_json(self._one.validate_python(value), by_alias=True, exclude_unset=True)
        except ValidationError as error:
            raise Problem(INVALID_PAYLOAD, faults=faults(error)[:MOST_FAULTS]) from None

    def batch(self, body: bytes) -> Packed:
        """A batch, if every item of it fits the contract. Raises a `Problem` that names the items which do not."""
        try:
            envelope = Envelope.model_validate(parse(body))
        except ValidationError as error:
            raise Problem(INVALID_BATCH, faults=faults(error)[:MOST_FAULTS]) from None
        size, items = self.contract.policy.pack, envelope.items
        if len(items) > MOST_PACKS * size:
            raise Problem(INVALID_BATCH, faults=[Fault("items", f"This contract takes {MOST_PACKS * size:,} at most")])
        wrong: list[Fault] = []
        packs: list[tuple[bytes, int]] = []
        for first in range(0, len(items), size):
            pack = items[first : first + size]
            wrong += self._wrong(envelope.common, pack, first)
            if len(wrong) >= MOST_FAULTS:
                break
            packs.append((to_json(pack), len(pack)))
        if wrong:
            raise Problem(
                INVALID_BATCH, "Nothing of the batch was accepted: these items are wrong.", wrong[:MOST_FAULTS]
            )
        return Packed(to_json(envelope.common), packs, len(items))

    def _wrong(self, common: Fields, pack: list[Fields], first: int) -> list[Fault]:
        try:
            self._many.validate_python([{**common, **item} for item in pack])
        except ValidationError as error:
            return item_faults(error, first)
        return []
