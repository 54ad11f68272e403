"""The check of golden files, and the golden files of this repository."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from handoff_contracts import BULK, CATALOGUE
from handoff_contracts.catalogue import AnyContract
from handoff_contracts.golden import FOLDER
from packages.contracts.tests.sample_contract import EXAMPLE, GoldenCheck, contract

UNRELATED_CHANGES: dict[str, Callable[[AnyContract], AnyContract]] = {
    "nothing": lambda known: known,
    "queue": lambda known: replace(known, queue=BULK),
    "summary": lambda known: replace(known, summary="Another summary."),
}


@pytest.mark.parametrize("change", UNRELATED_CHANGES.values(), ids=UNRELATED_CHANGES)
def test_queue_and_summary_can_change(check: GoldenCheck, change: Callable[[AnyContract], AnyContract]) -> None:
    assert check(change(contract())) == 0
    assert check.output == ""


def test_a_new_contract_gets_a_golden_file(check: GoldenCheck) -> None:
    other = replace(contract(), name="parcel.send")
    assert check(contract(), other) == 0
    assert "Wrote parcel.send.v1.json" in check.output
    assert check(contract(), other) == 0
    assert check.output == ""


def test_a_new_version_does_not_change_the_old_file(check: GoldenCheck) -> None:
    before = check.golden.read_text()
    second = replace(contract({"tags": None}), version=2)
    assert check(second) == 0
    assert check.golden.read_text() == before
    assert (check.folder / "letter.send.v2.json").exists()
    assert check(contract()) == 1
    assert "letter.send.v2 is gone" in check.output


def test_a_removed_contract_is_reported(check: GoldenCheck) -> None:
    assert check() == 1
    assert "letter.send.v1 is gone, which BREAKS its queued tasks" in check.output
    assert "delete letter.send.v1.json" in check.output


def test_an_invalid_example_is_reported_although_the_schema_allows_it(check: GoldenCheck) -> None:
    example = {"to": "me", "place": {"street": "Elm", "number": "one"}}
    check.golden.write_text(json.dumps(json.loads(check.golden.read_text()) | {"examples": [EXAMPLE, example]}))
    assert check(contract()) == 1
    assert "example 1 is no longer a valid payload (place.number" in check.output


def test_the_golden_files_in_this_repository_are_current() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "handoff_contracts.golden"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("known", list(CATALOGUE), ids=lambda known: known.name)
def test_every_contract_has_examples(known: AnyContract) -> None:
    golden = json.loads((FOLDER / f"{known.name}.v{known.version}.json").read_text())
    assert golden["examples"]
