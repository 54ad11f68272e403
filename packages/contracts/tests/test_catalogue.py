"""The catalogue of contracts, and the queue of a task."""

from dataclasses import replace

import pytest

from handoff_contracts import (
    BULK,
    CATALOGUE,
    DEFAULT,
    DOCUMENTS,
    HIGH,
    QUEUES,
    Catalogue,
    Priority,
    Queue,
    UnknownContract,
    queue_for,
)

ECHO = CATALOGUE["system.echo"]


def test_the_catalogue_contains_every_module_of_tasks() -> None:
    assert {contract.name for contract in CATALOGUE} >= {"push.send", "system.echo"}
    assert len(CATALOGUE) == len(list(CATALOGUE))


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(UnknownContract, match=r"no\.such"):
        CATALOGUE["no.such"]


def test_two_contracts_with_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match=r"two contracts are named 'system\.echo'"):
        Catalogue([ECHO, replace(ECHO, version=2)])


@pytest.mark.parametrize("home", [HIGH, DEFAULT, BULK, DOCUMENTS])
def test_without_a_priority_a_task_waits_in_its_contracts_queue(home: Queue) -> None:
    assert queue_for(home, None) is home


@pytest.mark.parametrize("home", [HIGH, DEFAULT, BULK])
@pytest.mark.parametrize("priority", Priority)
def test_a_priority_chooses_the_queue_of_its_name(home: Queue, priority: Priority) -> None:
    assert queue_for(home, priority) is QUEUES[priority.value]


@pytest.mark.parametrize("priority", Priority)
def test_untrusted_input_never_leaves_its_queue(priority: Priority) -> None:
    with pytest.raises(ValueError, match="tasks of the queue 'documents' take no priority"):
        queue_for(DOCUMENTS, priority)
