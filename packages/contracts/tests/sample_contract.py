"""The contract `letter.send`, its variants, and the check of its golden file."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from handoff_contracts import Contract, Payload, Result
from handoff_contracts.catalogue import AnyContract
from handoff_contracts.golden import check


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Place(Payload):
    street: str
    number: int = 0


class Tree(Payload):
    children: tuple["Tree", ...] = ()


PAYLOAD: dict[str, Any] = {
    "to": (Annotated[str, Field(min_length=1, max_length=100, pattern="^[a-z]+$")], ...),
    "title": (Annotated[str, Field(max_length=50)] | None, None),
    "copies": (Annotated[int, Field(ge=1, le=9)], 1),
    "kind": (Literal["fax", "mail"], "fax"),
    "colour": (Colour, Colour.RED),
    "place": (Place | None, None),
    "tags": (Annotated[list[str], Field(max_length=5)], []),
    "data": (dict[Annotated[str, Field(max_length=8)], str], {}),
    "tree": (Tree | None, None),
}
RESULT: dict[str, Any] = {"status": (Literal["sent", "lost"], ...), "note": (str | None, None)}
EXAMPLE = {"to": "me", "title": "hi", "place": {"street": "Elm"}}


def contract(payload: dict[str, Any] | None = None, result: dict[str, Any] | None = None) -> AnyContract:
    """Returns the sample contract with changed fields; None removes a field."""
    fields = {name: field for name, field in (PAYLOAD | (payload or {})).items() if field}
    results = {name: field for name, field in (RESULT | (result or {})).items() if field}
    return Contract(
        name="letter.send",
        version=1,
        payload=create_model("Letter", __base__=Payload, **fields),
        result=create_model("Sent", __base__=Result, **results),
        summary="Send a letter.",
    )


class GoldenCheck:
    """The check of a folder with the sample contract's golden file. `output` has the last call's sentences."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = ""
        self(contract())
        self.golden = folder / "letter.send.v1.json"
        self.golden.write_text(json.dumps(json.loads(self.golden.read_text()) | {"examples": [EXAMPLE]}))

    def __call__(self, *contracts: AnyContract, write: bool = False) -> int:
        sentences: list[str] = []
        code = check(contracts, self.folder, sentences.append, write=write)
        self.output = "\n".join(sentences)
        return code
