"""How a batch becomes packs, and a payload what the ledger keeps."""

from dataclasses import replace

import pytest
from pydantic_core import from_json, to_json

from handoff_api.batch_packing import pack_batch
from handoff_api.payload_validator import PayloadValidator
from handoff_api.problems import Problem
from handoff_contracts import CATALOGUE, Policy

PUSH = PayloadValidator(CATALOGUE["push.send"])
PACK = PUSH.contract.policy.pack


def test_the_stored_payload_has_the_fields_that_the_client_set() -> None:
    assert PUSH.stored_json(PUSH.parse(b' { "token" : "a" } ')) == b'{"token":"a"}'
    assert from_json(PUSH.stored_json(PUSH.parse(b'{"title": null, "token": "a"}'))) == {"title": None, "token": "a"}


def test_common_fields_are_stored_once() -> None:
    items = [{"token": f"t{number}"} for number in range(PACK + 1)]
    items[7]["title"] = "for you"
    packed = pack_batch(PUSH, to_json({"common": {"title": "for all"}, "items": items}), keyed=False)
    assert from_json(packed.common) == {"title": "for all"}
    assert [count for _, count in packed.packs] == [PACK, 1]
    assert [item for text, _ in packed.packs for item in from_json(text)] == items
    assert packed.total == PACK + 1


def test_an_items_own_field_wins_over_a_wrong_common_one() -> None:
    packed = pack_batch(PUSH, b'{"common": {"title": 5}, "items": [{"token": "a", "title": "fine"}]}', keyed=False)
    assert packed.total == 1


def test_a_contract_of_small_packs_takes_fewer_items() -> None:
    single = PayloadValidator(replace(CATALOGUE["system.echo"], policy=Policy(pack=1)))
    assert pack_batch(single, to_json({"items": [{}] * 10_000}), keyed=False).total == 10_000
    with pytest.raises(Problem) as wrong:
        pack_batch(single, to_json({"items": [{}] * 10_001}), keyed=False)
    assert wrong.value.errors == [("items", "This contract takes 10,000 at most")]


WRONG = [
    ("http.request", '{"url":"https://x.y","body_json":1e400}'),
    ("http.request", '{"url":"https://x.y","body_json":[{"a":-1e999}]}'),
    ("http.request", '{"url":"https://x.y","timeout":1e400}'),
    ("push.send", '{"token":"a","ttl":1e400}'),
    ("push.send", '{"token":"a","ttl":5.5}'),
    ("push.send", '{"token":"a","unknown":1}'),
    ("push.send", '{"token":"a","data":{"x":1}}'),
    ("push.send", "{}"),
]
FINE = [
    ("http.request", '{"url":"https://x.y","body_json":{"a":[1e22,0.1,12345678901234567890123]},"timeout":5}'),
    ("http.request", '{"method":"POST","url":"HTTPS://X.y","headers":{"b":"1","a":"2"}}'),
    ("push.send", '{"ttl":5.0,"token":"a","title":null}'),
    ("push.send", '{"token":"a","title":"\\u00e9\\u0000"}'),
    ("email.send", '{"to":"a@b.c","text":"t","attachments":[]}'),
]


@pytest.mark.parametrize(("contract", "payload"), WRONG)
def test_a_task_and_an_item_are_refused_alike(contract: str, payload: str) -> None:
    validator = PayloadValidator(CATALOGUE[contract])
    with pytest.raises(Problem) as task:
        validator.parse(payload.encode())
    for body in (f'{{"items":[{payload}]}}', f'{{"common":{payload},"items":[{{}}]}}'):
        with pytest.raises(Problem) as batch:
            pack_batch(validator, body.encode(), keyed=False)
        expected = [(f"items[0].{path}" if path else "items[0]", message) for path, message in task.value.errors]
        assert batch.value.errors == expected


@pytest.mark.parametrize(("contract", "payload"), FINE)
def test_a_task_and_an_item_are_stored_alike(contract: str, payload: str) -> None:
    validator = PayloadValidator(CATALOGUE[contract])
    stored = validator.stored_json(validator.parse(payload.encode()))
    assert pack_batch(validator, f'{{"items":[{payload}]}}'.encode(), keyed=False).packs == [(b"[%b]" % stored, 1)]
    shared = pack_batch(validator, f'{{"common":{payload},"items":[{{}}]}}'.encode(), keyed=False)
    assert from_json(shared.common) == from_json(stored)
    assert shared.packs == [(b"[{}]", 1)]


def test_a_shared_field_that_every_item_replaces_is_left_out() -> None:
    packed = pack_batch(PUSH, b'{"common":{"title":5,"body":"b"},"items":[{"token":"a","title":"t"}]}', keyed=False)
    assert from_json(packed.common) == {"body": "b"}
    assert packed.packs == [(b'[{"token":"a","title":"t"}]', 1)]
