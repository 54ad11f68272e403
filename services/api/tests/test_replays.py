"""An idempotency key compares the meaning of requests, not their text, for tasks and for batches."""

from dataclasses import replace

import pytest

from handoff_api.batch_packing import pack_batch
from handoff_api.payload_validator import PayloadValidator
from handoff_contracts import CATALOGUE

# Two ways to write one payload.
SAME = [
    ("push.send", '{"token":"a","title":"b"}', '{"title":"b","token":"a"}'),
    ("push.send", '{"token":"a","data":{"x":"1","y":"2"}}', '{"token":"a","data":{"y":"2","x":"1"}}'),
    ("push.send", '{"token":"a","title":null}', '{"token":"a"}'),
    ("push.send", '{"token":"a","data":{}}', '{"token":"a"}'),
    ("push.send", '{"token":"a","provider":"log","app":"default"}', '{"token":"a"}'),
    ("push.send", '{"token":"a","ttl":5}', '{"token":"a","ttl":5.0}'),
    ("push.send", '{"token":"a","title":"\\u00e9"}', '{"token":"a","title":"é"}'),
    ("push.send", ' { "token" : "a" }\n', '{"token":"a"}'),
    ("http.request", '{"url":"https://x.y","timeout":30}', '{"url":"https://x.y/","timeout":30.0}'),
    ("http.request", '{"url":"https://x.y","body_json":{"a":5}}', '{"url":"https://x.y","body_json":{"a":5.0}}'),
    ("http.request", '{"url":"https://x.y","body_json":[1e2,-0.0]}', '{"url":"https://x.y","body_json":[100,0]}'),
    (
        "http.request",
        '{"url":"https://x.y","body_json":{"a":[{"b":1,"c":2}]}}',
        '{"url":"https://x.y","body_json":{"a":[{"c":2,"b":1}]}}',
    ),
    (
        "http.request",
        '{"url":"https://x.y","headers":{"A":"1","B":"2"}}',
        '{"headers":{"B":"2","A":"1"},"url":"https://x.y"}',
    ),
]
# Two payloads that differ in what they mean.
OTHER = [
    ("push.send", '{"token":"a"}', '{"token":"b"}'),
    ("push.send", '{"token":"a"}', '{"token":"A"}'),
    ("push.send", '{"token":"a","title":""}', '{"token":"a"}'),
    ("push.send", '{"token":"a","data":{"x":"5"}}', '{"token":"a","data":{"x":"5.0"}}'),
    ("push.send", '{"token":"a","ttl":0}', '{"token":"a"}'),
    ("http.request", '{"url":"https://x.y","body_json":[1,2]}', '{"url":"https://x.y","body_json":[2,1]}'),
    ("http.request", '{"url":"https://x.y","body_json":{"a":null}}', '{"url":"https://x.y","body_json":{}}'),
    ("http.request", '{"url":"https://x.y","body_json":0.1}', '{"url":"https://x.y","body_json":0.10000000000000002}'),
    (
        "http.request",
        '{"url":"https://x.y","body_json":12345678901234567890123}',
        '{"url":"https://x.y","body_json":12345678901234567890124}',
    ),
    ("http.request", '{"url":"https://x.y","body_json":"5.0"}', '{"url":"https://x.y","body_json":"5"}'),
    ("http.request", '{"url":"https://x.y","body_json":true}', '{"url":"https://x.y","body_json":1}'),
]


def task(contract: str, payload: str) -> bytes:
    validator = PayloadValidator(CATALOGUE[contract])
    return validator.canonical_json(validator.parse(payload.encode()))


def batch(contract: str, *items: str, common: str = "{}", size: int = 100) -> bytes:
    known = CATALOGUE[contract]
    validator = PayloadValidator(replace(known, policy=replace(known.policy, pack=size)))
    body = f'{{"items":[{",".join(items)}],"common":{common}}}'
    return pack_batch(validator, body.encode(), keyed=True).canonical


@pytest.mark.parametrize(("contract", "one", "same"), SAME)
def test_an_equal_payload_in_other_words_is_a_replay(contract: str, one: str, same: str) -> None:
    assert task(contract, one) == task(contract, same)
    assert batch(contract, one, one) == batch(contract, same, one)
    assert batch(contract, "{}", common=one) == batch(contract, "{}", common=same)


@pytest.mark.parametrize(("contract", "one", "other"), OTHER)
def test_another_payload_is_a_conflict(contract: str, one: str, other: str) -> None:
    assert task(contract, one) != task(contract, other)
    assert batch(contract, one) != batch(contract, other)
    assert batch(contract, "{}", common=one) != batch(contract, "{}", common=other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (['{"token":"a"}', '{"token":"b"}'], ['{"token":"b"}', '{"token":"a"}']),
        (['{"token":"a"}'], ['{"token":"a"}', '{"token":"a"}']),
        (['{"token":"a"}'], ['{"token":"a","title":null}']),
        (['{"token":"a"}'], ['{"token":"a","title":"for you"}']),
    ],
    ids=["order", "number", "null in place of the shared value", "own value"],
)
def test_another_batch_is_a_conflict(one: list[str], other: list[str]) -> None:
    common = '{"title":"for all"}'
    assert batch("push.send", *one, common=common) != batch("push.send", *other, common=common)


def test_a_replay_does_not_depend_on_the_size_of_packs() -> None:
    items = [f'{{"token":"t{number}"}}' for number in range(300)]
    assert batch("push.send", *items, size=250) == batch("push.send", *items, size=1000)
