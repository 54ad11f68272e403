"""A contract's payloads, checked and written: the one way in for tasks and for the items of batches."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from pydantic import BaseModel, ValidationError

from handoff_api.body import parse
from handoff_api.canonical import canonical_json
from handoff_api.problems import INVALID_PAYLOAD, MOST_FAULTS, Problem, faults
from handoff_contracts.catalogue import AnyContract

Names = AbstractSet[str]
NONE: Names = frozenset()


class Intake:
    """Checks and writes the payloads of one contract."""

    def __init__(self, contract: AnyContract) -> None:
        self.contract = contract
        # Raises ValidationError when a field does not fit the contract.
        self.validate: Callable[[object], BaseModel] = contract.payload.__pydantic_validator__.validate_python
        self._write = contract.payload.__pydantic_serializer__.to_json

    def payload(self, value: object) -> BaseModel:
        """The payload with these fields. Raises a `Problem` that names each wrong field."""
        try:
            return self.validate(value)
        except ValidationError as error:
            raise Problem(INVALID_PAYLOAD, faults=faults(error)[:MOST_FAULTS]) from None

    def task(self, body: bytes) -> BaseModel:
        """The payload in the body of a task. Raises a `Problem` that names each wrong field."""
        return self.payload(parse(body))

    def stored(self, payload: BaseModel, exclude: Names = NONE) -> bytes:
        """A payload as the ledger keeps it: JSON of the fields that the client set.

        An older worker refuses a field that it does not know, so a field with its default value stays out.
        """
        text: bytes = self._write(payload, by_alias=True, exclude_unset=True, exclude=exclude or None)
        return text

    def significant(self, payload: BaseModel, exclude: Names = NONE) -> bytes:
        """JSON of the fields that differ from their defaults: a field that is null and an absent one give one text."""
        text: bytes = self._write(payload, by_alias=True, exclude_defaults=True, exclude=exclude or None)
        return text

    def canonical(self, payload: BaseModel) -> bytes:
        """One text for all payloads that mean the same."""
        return canonical_json(self.significant(payload))
