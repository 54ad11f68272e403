"""Which changes of a contract break queued tasks and older code."""

import json
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from handoff_contracts import Payload
from packages.contracts.tests.sample_contract import EXAMPLE, PAYLOAD, GoldenCheck, Place, contract


class Postcard(Payload):
    street: str


BREAKING: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "field removed": ({"tags": None}, {}, "presence of payload.tags was optional, is absent"),
    "field renamed": ({"to": None, "dest": (str, ...)}, {}, "presence of payload.dest was absent, is required"),
    "new required field": ({"stamp": (str, ...)}, {}, "presence of payload.stamp was absent, is required"),
    "field required now": ({"copies": (int, ...)}, {}, "presence of payload.copies was optional, is required"),
    "default changed": ({"copies": (PAYLOAD["copies"][0], 2)}, {}, "default of payload.copies was 1, is 2"),
    "type changed": ({"copies": (str, "1")}, {}, "type of payload.copies was integer, is string"),
    "null refused": (
        {"title": (Annotated[str, Field(max_length=50)], "")},
        {},
        "type of payload.title was null, is string",
    ),
    "shorter text": (
        {"title": (Annotated[str, Field(max_length=9)] | None, None)},
        {},
        "maxLength of payload.title was 50, is 9",
    ),
    "higher minimum length": (
        {"to": (Annotated[str, Field(min_length=2, max_length=100, pattern="^[a-z]+$")], ...)},
        {},
        "minLength of payload.to was 1, is 2",
    ),
    "pattern changed": (
        {"to": (Annotated[str, Field(min_length=1, max_length=100, pattern="^[a-f]+$")], ...)},
        {},
        r"pattern of payload.to was ^[a-z]+$, is ^[a-f]+$",
    ),
    "higher minimum": (
        {"copies": (Annotated[int, Field(ge=2, le=9)], 1)},
        {},
        "minimum of payload.copies was 1, is 2",
    ),
    "lower maximum": ({"copies": (Annotated[int, Field(ge=1, le=5)], 1)}, {}, "maximum of payload.copies was 9, is 5"),
    "value removed": ({"kind": (Literal["fax"], "fax")}, {}, 'values of payload.kind was ["fax", "mail"], is ["fax"]'),
    "enum value removed": ({"colour": (Literal["red"], "red")}, {}, "values of payload.colour"),
    "text limited to values": ({"to": (Literal["me"], ...)}, {}, "values of payload.to was any"),
    "nested field removed": (
        {"place": (Postcard | None, None)},
        {},
        "presence of payload.place.number was optional, is absent",
    ),
    "fewer items": (
        {"tags": (Annotated[list[str], Field(max_length=1)], [])},
        {},
        "maxItems of payload.tags was 5, is 1",
    ),
    "other type of items": (
        {"tags": (Annotated[list[int], Field(max_length=5)], [])},
        {},
        "type of payload.tags[] was string, is integer",
    ),
    "other type of values": (
        {"data": (dict[Annotated[str, Field(max_length=8)], int], {})},
        {},
        "type of payload.data.<value>",
    ),
    "shorter names": (
        {"data": (dict[Annotated[str, Field(max_length=4)], str], {})},
        {},
        "payload.data.<name> was 8, is 4",
    ),
    "recursion": ({"tree": (str | None, None)}, {}, "type of payload.tree was object, is string"),
    "result field removed": ({}, {"status": None}, "presence of result.status was required, is absent"),
    "result default field removed": ({}, {"note": None}, "presence of result.note was required, is absent"),
    "result value added": ({}, {"status": (Literal["sent", "lost", "torn"], ...)}, "values of result.status"),
    "result type changed": ({}, {"status": (int, ...)}, "type of result.status was string, is integer"),
    "result nullable": (
        {},
        {"status": (Literal["sent", "lost"] | None, ...)},
        "type of result.status was string, is null",
    ),
}


@pytest.mark.parametrize(("payload", "result", "expected"), BREAKING.values(), ids=BREAKING)
def test_a_breaking_change_asks_for_a_new_version(
    check: GoldenCheck, payload: dict[str, Any], result: dict[str, Any], expected: str
) -> None:
    before = check.golden.read_text()
    for write in (False, True):
        assert check(contract(payload, result), write=write) == 1
        assert expected in check.output
        assert "BREAKS" in check.output
        assert "raise the version of letter.send to 2" in check.output
        assert check.golden.read_text() == before


HARMLESS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "new optional field": ({"stamp": (str | None, None)}, {}, "presence of payload.stamp was absent, is optional"),
    "field optional now": ({"to": (PAYLOAD["to"][0], "me")}, {}, "presence of payload.to was required, is optional"),
    "null accepted": (
        {"copies": (Annotated[int, Field(ge=1, le=9)] | None, 1)},
        {},
        "type of payload.copies was integer, is null",
    ),
    "longer text": (
        {"title": (Annotated[str, Field(max_length=99)] | None, None)},
        {},
        "maxLength of payload.title was 50, is 99",
    ),
    "bound removed": ({"copies": (Annotated[int, Field(ge=1)], 1)}, {}, "maximum of payload.copies was 9, is null"),
    "integer to number": (
        {"copies": (Annotated[float, Field(ge=1, le=9)], 1)},
        {},
        "type of payload.copies was integer, is number",
    ),
    "value added": ({"kind": (Literal["fax", "mail", "pigeon"], "fax")}, {}, "values of payload.kind"),
    "values opened to text": ({"kind": (str, "fax")}, {}, "values of payload.kind"),
    "pattern removed": (
        {"to": (Annotated[str, Field(min_length=1, max_length=100)], ...)},
        {},
        "pattern of payload.to",
    ),
    "any type": ({"copies": (Any, 1)}, {}, "type of payload.copies"),
    "new result field": ({}, {"page": (int, ...)}, "presence of result.page was absent, is required"),
    "result value removed": ({}, {"status": (Literal["sent"], ...)}, "values of result.status"),
    "description changed": (
        {"copies": (Annotated[int, Field(ge=1, le=9, description="How many.")], 1)},
        {},
        "only descriptions changed",
    ),
}


@pytest.mark.parametrize(("payload", "result", "expected"), HARMLESS.values(), ids=HARMLESS)
def test_write_accepts_a_compatible_change(
    check: GoldenCheck, payload: dict[str, Any], result: dict[str, Any], expected: str
) -> None:
    changed = contract(payload, result)
    assert check(changed) == 1
    assert expected in check.output
    assert "BREAKS" not in check.output
    assert "make contracts WRITE=1" in check.output
    assert check(changed, write=True) == 0
    assert check(changed) == 0
    assert check.output == ""
    assert json.loads(check.golden.read_text())["examples"] == [EXAMPLE]


def test_a_union_is_compared_by_its_most_similar_option(check: GoldenCheck) -> None:
    assert check(contract({"place": (Place | Postcard | None, None)})) == 1
    assert "BREAKS" not in check.output
