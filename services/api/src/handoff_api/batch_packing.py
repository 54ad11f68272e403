"""A batch, checked item by item and packed for the ledger."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import to_json

from handoff_api.body import parse
from handoff_api.canonical import canonical_json
from handoff_api.payload_validator import Intake
from handoff_api.problems import INVALID_BATCH, MOST_FAULTS, FieldError, Problem, faults, item_faults

MOST_ITEMS = 100_000
MOST_PACKS = 10_000

Fields = dict[str, Any]


class Envelope(BaseModel):
    """The body of a batch: `common` holds the fields that all items share; an item's own field wins."""

    model_config = ConfigDict(extra="forbid")

    common: Fields = {}
    items: Annotated[list[Fields], Field(min_length=1, max_length=MOST_ITEMS)]


@dataclass(frozen=True, slots=True)
class Packed:
    """A batch for the ledger: JSON of `common`, and packs of (JSON array of items, how many).

    `canonical` is one text for all batches that mean the same, empty when nobody asked for it.
    """

    common: bytes
    packs: list[tuple[bytes, int]]
    total: int
    canonical: bytes


def pack(intake: Intake, body: bytes, *, keyed: bool) -> Packed:
    """Packs the batch in a request's body. `keyed`: it has an idempotency key, so its canonical text is needed.

    Raises a `Problem` that names each item that does not fit the contract; then nothing of the batch is accepted.
    """
    try:
        envelope = Envelope.model_validate(parse(body))
    except ValidationError as error:
        raise Problem(INVALID_BATCH, faults=faults(error)[:MOST_FAULTS]) from None
    most = MOST_PACKS * intake.contract.policy.pack
    if len(envelope.items) > most:
        raise Problem(INVALID_BATCH, faults=[FieldError("items", f"This contract takes {most:,} at most")])
    packer = Packer(intake, envelope.common, keyed=keyed)
    wrong: list[FieldError] = []
    for number, item in enumerate(envelope.items):
        try:
            packer.add(item)
        except ValidationError as error:
            wrong += item_faults(error, number)
            if len(wrong) >= MOST_FAULTS:
                break
    if wrong:
        raise Problem(INVALID_BATCH, "Nothing of the batch was accepted: these items are wrong.", wrong[:MOST_FAULTS])
    return packer.packed()


class Packer:
    """Writes items without the fields that they share, and the shared fields once, both as they were validated."""

    def __init__(self, intake: Intake, common: Fields, *, keyed: bool) -> None:
        self._intake = intake
        self._given = common
        self._names = frozenset(common)
        self._keyed = keyed
        self._common: Fields = {}
        self._common_significant: Fields = {}
        self._items: list[bytes] = []
        self._significant: list[bytes] = []

    def add(self, item: Fields) -> None:
        """Adds an item. Raises `ValidationError` when it does not fit the contract together with the shared fields."""
        payload = self._intake.validate({**self._given, **item} if self._given else item)
        replaced = () if self._names.isdisjoint(item) else self._names.intersection(item)
        shared = self._names.difference(replaced) if replaced else self._names
        if len(self._common) < len(self._names):
            self._add_common(payload, shared)
        self._items.append(self._intake.stored(payload, shared))
        if self._keyed:
            # A field that replaces a shared one counts with any value: null differs from the shared value.
            kept = payload.model_dump_json(by_alias=True, include=set(replaced)).encode() if replaced else b"null"
            self._significant += [self._intake.significant(payload, self._names), kept]

    def _add_common(self, payload: BaseModel, shared: Collection[str]) -> None:
        new = set(shared) - self._common.keys()
        if new:
            self._common |= payload.model_dump(mode="json", by_alias=True, include=new)
            self._common_significant |= payload.model_dump(
                mode="json", by_alias=True, include=new, exclude_defaults=True
            )

    def packed(self) -> Packed:
        """The batch. A shared field that every item replaces is in no payload, and is left out."""
        size = self._intake.contract.policy.pack
        packs = [self._items[first : first + size] for first in range(0, len(self._items), size)]
        canonical = b""
        if self._keyed:
            canonical = canonical_json(b"[%b,%b]" % (to_json(self._common_significant), b",".join(self._significant)))
        return Packed(
            common=to_json(self._common),
            packs=[(b"[%b]" % b",".join(items), len(items)) for items in packs],
            total=len(self._items),
            canonical=canonical,
        )
