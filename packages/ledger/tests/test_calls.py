"""What a call asks for and makes of a reply, without Redis."""

import pytest
from pydantic_core import from_json, to_json

from handoff_contracts import CATALOGUE
from handoff_ledger import (
    Claim,
    ClaimRefused,
    Failure,
    Limits,
    QueueFull,
    Receipt,
    Stale,
    State,
    Submission,
    UnknownTask,
    calls,
)
from handoff_ledger.calls.accept import idempotency_digest

ECHO = CATALOGUE["system.echo"]
LIMITS = Limits()
CLAIM = Claim("id", 3, 2, 5, "{}", "", [])


def fingerprint(**changes: object) -> object:
    fields = {"contract": ECHO, "payload": b"{}", "canonical": b"{}", "queue": "default", "client": "shop", "key": "k"}
    return Submission(**{**fields, **changes}).args()[9]  # type: ignore[arg-type]  # the fields of a table


@pytest.mark.parametrize(
    "change",
    [{"contract": CATALOGUE["push.send"]}, {"canonical": b"[]"}, {"queue": "high"}],
    ids=["contract", "text", "queue"],
)
def test_a_key_stands_for_what_was_asked(change: dict[str, object]) -> None:
    assert fingerprint(**change) != fingerprint()


@pytest.mark.parametrize(
    "change",
    [{"id": "a" * 26}, {"delay_ms": 1}, {"expires_ms": 1}, {"payload": b"{ }"}],
    ids=["id", "delay", "expiry", "payload"],
)
def test_a_key_does_not_stand_for_when(change: dict[str, object]) -> None:
    # A request that is sent again with the same time in it has a shorter delay.
    assert fingerprint(**change) == fingerprint()


def test_without_a_key_nothing_is_remembered() -> None:
    assert Submission(contract=ECHO, payload=b"{}", queue="default").args()[8:10] == ("", "")


def test_clients_do_not_share_keys() -> None:
    keys = {idempotency_digest(client, key) for client, key in [("a", "bc"), ("ab", "c"), ("", "abc"), ("abc", "")]}
    assert len(keys) == 4


def test_each_submission_has_an_id_of_its_own() -> None:
    ids = {Submission(contract=ECHO, payload=b"{}", queue="default").id for _ in range(100)}
    assert len(ids) == 100


def test_replies_of_accept_stay_with_their_submissions() -> None:
    several = [Submission(contract=ECHO, payload=b"{}", queue="default") for _ in range(3)]
    rows = [["accepted", several[0].id, 5], ["full", several[1].id, 5], ["replayed", "old", 4]]
    first, second, third = calls.accept(several, LIMITS).parse(rows)
    assert first == Receipt(several[0].id, 5, replayed=False)
    assert isinstance(second, QueueFull)
    assert second.queue == "default"
    assert third == Receipt("old", 4, replayed=True)
    with pytest.raises(ValueError, match="zip"):
        calls.accept(several, LIMITS).parse(rows[:2])


def test_a_claim_or_a_refusal() -> None:
    call = calls.claim("id", "me", ECHO, LIMITS)
    assert call.parse(["claimed", "id", 3, 2, 5, "{}", "", ["[]"]]) == Claim("id", 3, 2, 5, "{}", "", ["[]"])
    assert call.parse(["refused", "running"]) == ClaimRefused("running")


@pytest.mark.parametrize(
    "call",
    [
        calls.finish(CLAIM, b"{}", LIMITS),
        calls.finish_and_claim(CLAIM, b"{}", LIMITS, ["default"]),
        calls.fail(CLAIM, Failure(code="c", message="m"), LIMITS),
        calls.retry(CLAIM, 1.0, Failure(code="c", message="m"), LIMITS),
        calls.give_back(CLAIM),
        calls.record(CLAIM, [(0, State.SUCCEEDED, b"null")]),
    ],
    ids=lambda call: call.script,
)
def test_a_lost_lease_is_an_error(call: calls.Call[object]) -> None:
    assert call.args[:2] == ["id", 3]
    with pytest.raises(Stale):
        call.parse("stale")


def test_record_tallies_what_it_records() -> None:
    fault = Failure(code="c", message="m").model_dump()
    outcomes = [(0, State.SUCCEEDED, b'{"x":1}'), (1, State.FAILED, to_json(fault)), (2, State.SUCCEEDED, b"null")]
    call = calls.record(CLAIM, outcomes)
    assert call.args[2] == 3
    assert from_json(bytes(call.args[3])) == [[0, "succeeded", {"x": 1}], [1, "failed", fault], [2, "succeeded", None]]  # type: ignore[arg-type]  # it is bytes
    assert dict(zip(call.args[4::2], call.args[5::2], strict=True)) == {"succeeded": 2, "failed": 1}
    assert call.parse("go") is True
    assert call.parse("cancel") is False


@pytest.mark.parametrize(
    ("call", "reply"),
    [
        (calls.read("gone"), None),
        (calls.read_batch("gone"), []),
        (calls.cancel("gone", LIMITS), "unknown"),
        (calls.cancel_batch("gone", LIMITS), None),
    ],
    ids=["read", "read_batch", "cancel", "cancel_batch"],
)
def test_an_unknown_id_is_an_error(call: calls.Call[object], reply: object) -> None:
    with pytest.raises(UnknownTask):
        call.parse(reply)


def test_a_sweep_names_the_steps_that_did_something() -> None:
    call = calls.sweep("me", LIMITS)
    assert call.parse(None) == {}
    assert call.parse([]) == {}
    assert call.parse(["due", 1, "trimmed", 3, "more", 1]) == {"due": 1, "trimmed": 3, "more": 1}
