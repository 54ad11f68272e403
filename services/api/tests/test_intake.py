"""How a batch becomes packs, and a payload what the ledger keeps."""

from dataclasses import replace

import pytest
from pydantic_core import from_json, to_json

from handoff_api.intake import Intake
from handoff_api.problems import Problem
from handoff_contracts import CATALOGUE, Policy

PUSH = Intake(CATALOGUE["push.send"])
PACK = PUSH.contract.policy.pack


def test_a_payload_is_kept_as_what_was_set() -> None:
    assert PUSH.task(b' { "token" : "a" } ') == b'{"token":"a"}'
    assert from_json(PUSH.task(b'{"title": null, "token": "a"}')) == {"title": None, "token": "a"}


def test_common_is_kept_once_and_items_as_they_came() -> None:
    items = [{"token": f"t{number}"} for number in range(PACK + 1)]
    items[7]["title"] = "for you"
    packed = PUSH.batch(to_json({"common": {"title": "for all"}, "items": items}))
    assert from_json(packed.common) == {"title": "for all"}
    assert [count for _, count in packed.packs] == [PACK, 1]
    assert [item for pack, _ in packed.packs for item in from_json(pack)] == items
    assert packed.total == PACK + 1


def test_an_items_own_field_wins_over_a_wrong_common_one() -> None:
    packed = PUSH.batch(b'{"common": {"title": 5}, "items": [{"token": "a", "title": "fine"}]}')
    assert packed.total == 1


def test_a_contract_of_small_packs_takes_fewer_items() -> None:
    single = Intake(replace(CATALOGUE["system.echo"], policy=Policy(pack=1)))
    assert single.batch(to_json({"items": [{}] * 10_000})).total == 10_000
    with pytest.raises(Problem) as wrong:
        single.batch(to_json({"items": [{}] * 10_001}))
    assert wrong.value.faults == [("items", "This contract takes 10,000 at most")]
