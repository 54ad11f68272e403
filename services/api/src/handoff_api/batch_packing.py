"""Validation of a batch item by item, and its division into packs, the ledger's unit of storage."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import to_json

from handoff_api.body import parse_json
from handoff_api.canonical import canonical_json
from handoff_api.payload_validator import PayloadValidator
from handoff_api.problems import (
    INVALID_BATCH,
    MAX_FIELD_ERRORS,
    FieldError,
    Problem,
    field_errors,
    item_field_errors,
)

MAX_BATCH_ITEMS = 100_000
MAX_BATCH_PACKS = 10_000

Fields = dict[str, Any]


class BatchRequest(BaseModel):
    """The body of a batch. An item's own field takes precedence over the common field of that name."""

    model_config = ConfigDict(extra="forbid")

    common: Fields = Field(default={}, description="The payload fields that all items share.")
    items: list[Fields] = Field(
        min_length=1,
        max_length=MAX_BATCH_ITEMS,
        description="The payload of each item, without the common fields.",
    )


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """A validated batch in the form that the ledger stores.

    Attributes:
        common: JSON of the common fields.
        packs: each pack as a JSON array of items, and their number.
        total: the number of items in the batch.
        canonical: one text for all batches with the same meaning; empty without an idempotency key.
    """

    common: bytes
    packs: list[tuple[bytes, int]]
    total: int
    canonical: bytes


def pack_batch(validator: PayloadValidator, body: bytes, *, keyed: bool) -> PackedBatch:
    """Validate and pack the batch in a request's body.

    `keyed` says that the request has an idempotency key, which needs the canonical text.

    Raises:
        Problem: it names each item that does not fit the contract. The API then accepts no item of the batch.
    """
    try:
        request = BatchRequest.model_validate(parse_json(body))
    except ValidationError as error:
        raise Problem(INVALID_BATCH, errors=field_errors(error)[:MAX_FIELD_ERRORS]) from None
    max_items = MAX_BATCH_PACKS * validator.contract.policy.pack
    if len(request.items) > max_items:
        raise Problem(INVALID_BATCH, errors=[FieldError("items", f"This contract takes {max_items:,} at most")])
    packer = BatchPacker(validator, request.common, keyed=keyed)
    errors: list[FieldError] = []
    for number, item in enumerate(request.items):
        try:
            packer.add(item)
        except ValidationError as error:
            errors += item_field_errors(error, number)
            if len(errors) >= MAX_FIELD_ERRORS:
                break
    if errors:
        detail = "The API accepted no item of the batch, because these items are wrong."
        raise Problem(INVALID_BATCH, detail, errors[:MAX_FIELD_ERRORS])
    return packer.packed()


class BatchPacker:
    """Serialises each item without its common fields, and the common fields once, both after validation."""

    def __init__(self, validator: PayloadValidator, common: Fields, *, keyed: bool) -> None:
        self._validator = validator
        self._given = common
        self._names = frozenset(common)
        self._keyed = keyed
        self._common: Fields = {}
        self._common_significant: Fields = {}
        self._items: list[bytes] = []
        self._significant: list[bytes] = []

    def add(self, item: Fields) -> None:
        """Add an item. Raises `ValidationError` when the item and the common fields do not fit the contract."""
        payload = self._validator.validate({**self._given, **item} if self._given else item)
        replaced = () if self._names.isdisjoint(item) else self._names.intersection(item)
        shared = self._names.difference(replaced) if replaced else self._names
        if len(self._common) < len(self._names):
            self._add_common(payload, shared)
        self._items.append(self._validator.stored_json(payload, shared))
        if self._keyed:
            # A field that replaces a common field counts with any value, because null differs from the common value.
            kept = payload.model_dump_json(by_alias=True, include=set(replaced)).encode() if replaced else b"null"
            self._significant += [self._validator.significant_json(payload, self._names), kept]

    def _add_common(self, payload: BaseModel, shared: Collection[str]) -> None:
        new = set(shared) - self._common.keys()
        if new:
            self._common |= payload.model_dump(mode="json", by_alias=True, include=new)
            self._common_significant |= payload.model_dump(
                mode="json", by_alias=True, include=new, exclude_defaults=True
            )

    def packed(self) -> PackedBatch:
        """Return the batch. A common field that every item replaces is left out."""
        size = self._validator.contract.policy.pack
        packs = [self._items[first : first + size] for first in range(0, len(self._items), size)]
        canonical = b""
        if self._keyed:
            canonical = canonical_json(b"[%b,%b]" % (to_json(self._common_significant), b",".join(self._significant)))
        return PackedBatch(
            common=to_json(self._common),
            packs=[(b"[%b]" % b",".join(items), len(items)) for items in packs],
            total=len(self._items),
            canonical=canonical,
        )
