"""Validation and serialisation of a contract's payloads, shared by tasks and by the items of batches."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from pydantic import BaseModel, ValidationError

from handoff_api.body import parse_json
from handoff_api.canonical import canonical_json
from handoff_api.problems import INVALID_PAYLOAD, MAX_FIELD_ERRORS, Problem, field_errors
from handoff_contracts.catalogue import AnyContract

Names = AbstractSet[str]
NO_NAMES: Names = frozenset()


class PayloadValidator:
    """Validates and serialises the payloads of one contract."""

    def __init__(self, contract: AnyContract) -> None:
        self.contract = contract
        # Raises ValidationError when a field does not fit the contract.
        self.validate: Callable[[object], BaseModel] = contract.payload.__pydantic_validator__.validate_python
        self._serialize = contract.payload.__pydantic_serializer__.to_json

    def check(self, value: object) -> BaseModel:
        """Return the payload with these fields. Raises a `Problem` that names each wrong field."""
        try:
            return self.validate(value)
        except ValidationError as error:
            raise Problem(INVALID_PAYLOAD, errors=field_errors(error)[:MAX_FIELD_ERRORS]) from None

    def parse(self, body: bytes) -> BaseModel:
        """Return the payload in the body of a task. Raises a `Problem` that names each wrong field."""
        return self.check(parse_json(body))

    def stored_json(self, payload: BaseModel, exclude: Names = NO_NAMES) -> bytes:
        """Return the payload as the ledger stores it: JSON of the fields that the client set.

        Fields with their default value stay out, because an older worker rejects a field that it does not know.
        """
        text: bytes = self._serialize(payload, by_alias=True, exclude_unset=True, exclude=exclude or None)
        return text

    def significant_json(self, payload: BaseModel, exclude: Names = NO_NAMES) -> bytes:
        """Return JSON of the fields that differ from their defaults. A null field and an absent one give one text."""
        text: bytes = self._serialize(payload, by_alias=True, exclude_defaults=True, exclude=exclude or None)
        return text

    def canonical_json(self, payload: BaseModel) -> bytes:
        """Return one text for all payloads with the same meaning, which idempotency compares."""
        return canonical_json(self.significant_json(payload))
