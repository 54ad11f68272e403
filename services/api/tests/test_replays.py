"""What a client sends again is known again."""

from dataclasses import replace

from pydantic_core import to_json

from handoff_api.intake import Intake
from handoff_contracts import CATALOGUE
from handoff_ledger import Submission
from handoff_ledger.calls import accept_batch
from handoff_ledger.calls.base import Limits

PUSH = CATALOGUE["push.send"]


def fingerprint(pack: int, body: bytes) -> object:
    contract = replace(PUSH, policy=replace(PUSH.policy, pack=pack))
    packed = Intake(contract).batch(body)
    head = Submission(contract=contract, payload=packed.common, queue="bulk", key="k")
    return accept_batch(head, packed.packs, Limits()).args[11]


def test_a_replay_is_known_whatever_the_packs_hold() -> None:
    body = to_json({"items": [{"token": f"t{number}"} for number in range(300)]})
    assert fingerprint(250, body) == fingerprint(1000, body)
