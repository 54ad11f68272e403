"""Ids sort by time and are told from anything else."""

import time

import pytest

from handoff_ledger.ids import ALPHABET, is_id, new_id


def test_ids_are_26_characters_of_the_alphabet() -> None:
    for _ in range(1000):
        id = new_id()
        assert len(id) == 26
        assert set(id) <= set(ALPHABET)
        assert is_id(id)


def test_the_alphabet_sorts_as_its_values_do() -> None:
    assert "".join(sorted(set(ALPHABET))) == ALPHABET
    assert len(ALPHABET) == 32


def test_a_later_id_sorts_after(monkeypatch: pytest.MonkeyPatch) -> None:
    start = time.time_ns()
    ids = []
    for step in (0, 1, 2, 31, 32, 1_000, 86_400_000, 365 * 86_400_000):
        monkeypatch.setattr(time, "time_ns", lambda step=step: start + step * 1_000_000)
        ids.append(new_id())
    assert ids == sorted(ids)


def test_ids_of_one_millisecond_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_000_000_000)
    ids = {new_id() for _ in range(10_000)}
    assert len(ids) == 10_000
    assert len({id[:10] for id in ids}) == 1


ID = "01hf7yat00" + "0" * 16


@pytest.mark.parametrize("text", [ID, ID + ".0", ID + ".9999999"])
def test_tasks_batches_and_packs_have_ids(text: str) -> None:
    assert is_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ID[:-1],
        ID + "0",
        ID.upper(),
        ID[:-1] + "i",
        ID + ".",
        ID + ".x",
        ID + ".12345678",
        ID + "\n",
        ID + ".1\n",
        ID + ".1.1",
    ],
)
def test_anything_else_is_no_id(text: str) -> None:
    assert not is_id(text)
