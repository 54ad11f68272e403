"""Commands as a person types them."""

import signal

import pytest

from deploy.__main__ import main
from interrupts import INTERRUPTS
from tests.unit.deploy.fake_machine import Machine

USUAL = {"context": "lab", "overlay": "dev"}


def typed(machine: Machine, command: str, *flags: str, **values: str) -> int:
    """Runs a command with the usual options, or others; returns its exit code."""
    if command == "deploy" and not {"load", "registry"} & values.keys():
        values["load"] = "true"
    options = [f"--{name}={value}" for name, value in {**USUAL, **values}.items() if value]
    handlers = {number: signal.getsignal(number) for number in INTERRUPTS}
    try:
        return main([command, *options, *flags], machine)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def deploy(machine: Machine, revision: str = "aaaaaaaaaaaa") -> int:
    """Deploys a commit without a question."""
    machine.revision = revision
    return typed(machine, "deploy", "--yes")


def refused(machine: Machine, told: pytest.CaptureFixture[str], *flags: str, **values: str) -> str:
    """The one sentence of a deploy that is refused."""
    told.readouterr()
    assert typed(machine, "deploy", *(flags or ("--yes",)), **values) == 2
    assert machine.cluster.changed == []
    sentence = told.readouterr().err
    assert sentence.count("\n") == 1
    assert sentence.endswith(".\n")
    return sentence
