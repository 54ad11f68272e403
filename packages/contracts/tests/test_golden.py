"""The golden files, and what the check says of them."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from handoff_contracts import BULK, CATALOGUE
from handoff_contracts.catalogue import AnyContract
from handoff_contracts.golden import FOLDER
from packages.contracts.tests.sample_contract import EXAMPLE, Check, contract

SAME: dict[str, Callable[[AnyContract], AnyContract]] = {
    "nothing": lambda known: known,
    "queue": lambda known: replace(known, queue=BULK),
    "summary": lambda known: replace(known, summary="Other words."),
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_what_no_message_shows_may_change(letters: Check, change: Callable[[AnyContract], AnyContract]) -> None:
    assert letters(change(contract())) == 0
    assert letters.told == ""


def test_a_new_contract_gets_its_file(letters: Check) -> None:
    other = replace(contract(), name="parcel.send")
    assert letters(contract(), other) == 0
    assert "Wrote parcel.send.v1.json" in letters.told
    assert letters(contract(), other) == 0
    assert letters.told == ""


def test_a_new_version_leaves_the_old_file_alone(letters: Check) -> None:
    before = letters.golden.read_text()
    second = replace(contract({"tags": None}), version=2)
    assert letters(second) == 0
    assert letters.golden.read_text() == before
    assert (letters.folder / "letter.send.v2.json").exists()
    assert letters(contract()) == 1
    assert "letter.send.v2 is gone" in letters.told


def test_a_contract_that_is_gone_is_told(letters: Check) -> None:
    assert letters() == 1
    assert "letter.send.v1 is gone, which BREAKS its older messages" in letters.told
    assert "delete letter.send.v1.json" in letters.told


def test_an_example_that_a_schema_can_not_tell_wrong_is_told(letters: Check) -> None:
    example = {"to": "me", "place": {"street": "Elm", "number": "one"}}
    letters.golden.write_text(json.dumps(json.loads(letters.golden.read_text()) | {"examples": [EXAMPLE, example]}))
    assert letters(contract()) == 1
    assert "example 1 is no payload now (place.number" in letters.told


def test_the_files_in_this_repository_are_those_of_its_contracts() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "handoff_contracts.golden"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("known", list(CATALOGUE), ids=lambda known: known.name)
def test_every_contract_has_examples(known: AnyContract) -> None:
    golden = json.loads((FOLDER / f"{known.name}.v{known.version}.json").read_text())
    assert golden["examples"]
