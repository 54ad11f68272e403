"""Which values contracts, policies and payloads refuse."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from handoff_contracts import BULK, CATALOGUE, DEFAULT, DOCUMENTS, HIGH, Contract, Payload, Policy, Result
from handoff_contracts.catalogue import AnyContract
from handoff_contracts.contract import POLICY_RANGES


class Measure(Payload):
    value: float = 0.0


class Measured(Result):
    value: float


def contract(name: str = "lab.measure", version: int = 1) -> AnyContract:
    return Contract(name=name, version=version, payload=Measure, result=Measured, summary="Measure.")


@pytest.mark.parametrize(
    "name", ["push", "Push.send", "push.", ".send", "push send", "push.send\n", "1push.send", "push-it.send", ""]
)
def test_an_invalid_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"is not a contract name: write it like 'push\.send'"):
        contract(name)


@pytest.mark.parametrize("name", ["push.send", "a.b.c", "http2.request_all"])
def test_a_valid_name_is_accepted(name: str) -> None:
    assert contract(name).name == name


def test_a_long_name_is_refused() -> None:
    assert len(contract(f"lab.{'a' * 96}").name) == 100
    with pytest.raises(ValueError, match="a contract name has at most 100 characters"):
        contract(f"lab.{'a' * 97}")


@pytest.mark.parametrize("version", [0, -1, 1_000_001, 10**400])
def test_a_version_is_1_to_a_million(version: int) -> None:
    with pytest.raises(ValueError, match="a contract version is 1 to 1,000,000"):
        contract(version=version)


@pytest.mark.parametrize("name", list(POLICY_RANGES))
def test_a_policy_out_of_range_is_refused(name: str) -> None:
    least, most = POLICY_RANGES[name]
    values: list[Any] = [0, -0.0, -1, 5e-324, least * 0.99, most * 1.01, 10**400, 1e308, math.inf, -math.inf, math.nan]
    for value in values:
        with pytest.raises(ValueError, match=f"^{name} of a policy is "):
            replace(Policy(), **{name: value})


def test_a_backoff_above_its_limit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^backoff_limit of a policy is at least its backoff$"):
        Policy(backoff=10.0, backoff_limit=9.0)


@pytest.mark.parametrize("end", [0, 1], ids=["least", "most"])
def test_the_ends_of_the_ranges_are_accepted(end: int) -> None:
    ends: dict[str, Any] = {name: ends[end] for name, ends in POLICY_RANGES.items()}
    assert {name: getattr(Policy(**ends), name) for name in ends} == ends


def test_a_contract_is_immutable() -> None:
    with pytest.raises(AttributeError):
        contract().version = 2  # type: ignore[misc]  # the assignment has to fail
    assert replace(contract(), version=2).version == 2


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_payloads_and_results_refuse_numbers_that_json_lacks(value: float) -> None:
    with pytest.raises(ValidationError, match="finite number"):
        Measure(value=value)
    with pytest.raises(ValidationError, match="finite number"):
        Measured(value=value)


@pytest.mark.parametrize("text", ['{"value": NaN}', '{"value": Infinity}', '{"value": 1e999}'])
def test_json_text_with_such_a_number_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Measure.model_validate_json(text)


def test_a_result_ignores_fields_of_a_newer_worker() -> None:
    assert Measured.model_validate({"value": 1.0, "unit": "m"}) == Measured(value=1.0)


@pytest.mark.parametrize("known", list(CATALOGUE), ids=lambda known: known.name)
def test_every_payload_refuses_an_unknown_field(known: AnyContract) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        known.payload.model_validate({"token": "t", "surprise": 1})


def strict_fields(payload: type[Payload]) -> Iterator[tuple[str, str, bool]]:
    """Yields each field of numbers or booleans: its name, its type, and whether it is a list."""
    for name, field in payload.model_json_schema()["properties"].items():
        for option in (field, *field.get("anyOf", [])):
            for schema, many in ((option, False), (option.get("items", {}), True)):
                if schema.get("type") in ("integer", "number", "boolean"):
                    yield name, schema["type"], many


@pytest.mark.parametrize("known", list(CATALOGUE), ids=lambda known: known.name)
def test_numbers_and_booleans_accept_no_other_json_type(known: AnyContract) -> None:
    for name, kind, many in strict_fields(known.payload):
        values: list[Any] = ["1", "true", "1_000", " 5 ", "", [], {}, 1 if kind == "boolean" else True]
        for value in values:
            with pytest.raises(ValidationError) as caught:
                known.payload.model_validate({name: [value] if many else value})
            assert name in {error["loc"][0] for error in caught.value.errors()}, (name, value)


def test_5_and_5_0_are_the_same_number() -> None:
    assert {PUSH.model_validate({"token": "t", "ttl": ttl}).model_dump_json() for ttl in (5, 5.0)} == {
        '{"token":"t","title":null,"body":null,"data":{},"ttl":5,"provider":"log","app":"default"}'
    }


PUSH = CATALOGUE["push.send"].payload


@pytest.mark.parametrize(
    "token",
    ["", "a b", "a\n", "a\x00", "a\x7f", "ключ", "a\u2028", "x" * 4097, None, 5],
    ids=["empty", "space", "newline", "nul", "delete", "cyrillic", "separator", "long", "none", "number"],
)
def test_a_token_that_is_not_printable_ascii_is_refused(token: object) -> None:
    with pytest.raises(ValidationError, match="token"):
        PUSH.model_validate({"token": token})


@pytest.mark.parametrize("token", ["x", "x" * 4096, "!~/:=_-"])
def test_a_valid_token_is_accepted(token: str) -> None:
    assert PUSH.model_validate({"token": token}).model_dump(exclude_defaults=True) == {"token": token}


@pytest.mark.parametrize(
    "field",
    [
        {"title": "x" * 257},
        {"body": "x" * 4097},
        {"data": {"x" * 65: ""}},
        {"data": {"x": "x" * 1025}},
        {"data": {str(number): "" for number in range(65)}},
        {"data": {"x": 1}},
        {"provider": "pigeon"},
    ],
    ids=["title", "body", "data key", "data value", "data size", "data type", "provider"],
)
def test_a_push_out_of_bounds_is_refused(field: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        PUSH.model_validate({"token": "t", **field})
    assert {error["loc"][0] for error in caught.value.errors()} == set(field)


def test_each_contract_has_its_queue() -> None:
    assert {known.name: known.queue for known in CATALOGUE} == {
        "document.extract": DOCUMENTS,
        "email.send": DEFAULT,
        "http.request": DEFAULT,
        "push.send": BULK,
        "system.echo": DEFAULT,
    }
    assert [queue.shared for queue in (HIGH, DEFAULT, BULK, DOCUMENTS)] == [True, True, True, False]
