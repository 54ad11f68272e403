"""What a contract, its policy and its payloads refuse."""

import math
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from handoff_contracts import BULK, CATALOGUE, DEFAULT, DOCUMENTS, HIGH, Contract, Payload, Policy, Result
from handoff_contracts.catalogue import AnyContract


class Measure(Payload):
    value: float = 0.0


class Measured(Result):
    value: float


def contract(name: str = "lab.measure", version: int = 1) -> AnyContract:
    return Contract(name=name, version=version, payload=Measure, result=Measured, summary="Measure.")


@pytest.mark.parametrize(
    "name", ["push", "Push.send", "push.", ".send", "push send", "push.send\n", "1push.send", "push-it.send", ""]
)
def test_a_name_that_is_no_wire_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"is no contract name: write it like 'push\.send'"):
        contract(name)


@pytest.mark.parametrize("name", ["push.send", "a.b.c", "http2.request_all"])
def test_a_wire_name_is_taken(name: str) -> None:
    assert contract(name).name == name


@pytest.mark.parametrize("version", [0, -1])
def test_versions_count_from_1(version: int) -> None:
    with pytest.raises(ValueError, match="versions count from 1"):
        contract(version=version)


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempts": 0},
        {"pack": 0},
        {"concurrency": 0},
        {"backoff": 0},
        {"backoff": -1.0},
        {"backoff": 10.0, "backoff_limit": 9.0},
        {"time_limit": 0},
        {"lease": 2.9},
    ],
)
def test_a_policy_out_of_range_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"at least|positive|lease"):
        Policy(**wrong)


def test_the_least_policy_is_taken() -> None:
    Policy(attempts=1, backoff=0.1, backoff_limit=0.1, time_limit=0.1, lease=3, pack=1, concurrency=1)


def test_a_contract_never_changes() -> None:
    with pytest.raises(AttributeError):
        contract().version = 2  # type: ignore[misc]  # what the test is about
    assert replace(contract(), version=2).version == 2


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_payload_or_result_holds_what_json_can_not(value: float) -> None:
    with pytest.raises(ValidationError, match="finite number"):
        Measure(value=value)
    with pytest.raises(ValidationError, match="finite number"):
        Measured(value=value)


@pytest.mark.parametrize("text", ['{"value": NaN}', '{"value": Infinity}', '{"value": 1e999}'])
def test_no_json_smuggles_it_in(text: str) -> None:
    with pytest.raises(ValidationError):
        Measure.model_validate_json(text)


def test_a_result_of_a_newer_worker_is_read() -> None:
    assert Measured.model_validate({"value": 1.0, "unit": "m"}) == Measured(value=1.0)


@pytest.mark.parametrize("known", list(CATALOGUE), ids=lambda known: known.name)
def test_every_payload_refuses_an_unknown_field(known: AnyContract) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        known.payload.model_validate({"token": "t", "surprise": 1})


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
def test_a_token_is_taken(token: str) -> None:
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
    assert {fault["loc"][0] for fault in caught.value.errors()} == set(field)


def test_each_contract_lives_in_its_lane() -> None:
    assert {known.name: known.queue for known in CATALOGUE} == {
        "document.extract": DOCUMENTS,
        "email.send": DEFAULT,
        "http.request": DEFAULT,
        "push.send": BULK,
        "system.echo": DEFAULT,
    }
    assert [queue.shared for queue in (HIGH, DEFAULT, BULK, DOCUMENTS)] == [True, True, True, False]
