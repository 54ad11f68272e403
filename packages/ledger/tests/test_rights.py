"""The check of rights covers every right that the rules grant, and reads the answers as they are meant."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import pytest

from handoff_ledger import LedgerMisconfigured
from handoff_ledger.acl import RULES
from handoff_ledger.rights import Group, Service, check_rights, name_of, needs


@pytest.mark.parametrize("service", ["api", "worker"])
def test_every_rule_is_checked(service: Service) -> None:
    groups = needs(service, durable=True)
    checked = {f"+{name_of(command)}" for group in groups for command in group.commands}
    checked |= {rule for group in groups for rule in group.rules}
    rules = {rule for rule in RULES[service].split() if "@" not in rule}
    assert rules <= checked
    assert checked - rules == {"", "+ping"}


def test_celerys_channels_carry_the_number_of_the_database() -> None:
    names = {name for group in needs("worker", database=3) for name in group.names}
    assert "/3.celery.pidbox" in names
    assert not [name for name in names if name.startswith("/0.")]


def test_only_durable_accept_needs_the_disk() -> None:
    assert "waitaof" not in {name_of(command) for group in needs("api") for command in group.commands}


KEYS = Group([["get", "NAME"], ["hget", "NAME", "f"]], ["a", "b"], ["~a*", "~b*"], ["get", "NAME"])
BLIND = replace(KEYS, probe=[])
LITERAL = replace(BLIND, literal=True)
NO_KEY, NO_COMMAND = (
    "NOPERM No permissions to access a key",
    "NOPERM User key has no permissions to run the 'get' command",
)


@pytest.mark.parametrize(
    ("group", "answers", "missing", "lacking"),
    [
        (KEYS, ["", "11", "11"], [], []),
        (KEYS, ["", "11", "00"], [], ["+hget"]),
        (KEYS, [NO_KEY, "01", "01"], [], ["~a*"]),
        (KEYS, [NO_KEY, "00", "00"], [], ["~a*", "~b*"]),
        (KEYS, [NO_COMMAND, "00", "00"], [], ["+get", "+hget"]),
        (BLIND, ["", "00", "00"], [], ["+get", "+hget"]),
        (BLIND, ["", "00", "00"], ["~a*"], ["+get", "+hget"]),
        (LITERAL, ["", "00", "00"], [], ["+get", "+hget", "~a*", "~b*"]),
        (BLIND, ["", "00", "00"], ["~a*", "~b*"], ["~a*", "~b*"]),
    ],
)
def test_answers_become_rules(
    group: Group, answers: Sequence[str], missing: Collection[str], lacking: list[str]
) -> None:
    assert group.lacking(*answers, missing=missing) == lacking


def test_an_unknown_command_is_no_missing_right() -> None:
    call = check_rights("api", durable=True)
    groups = needs("api", durable=True)
    rows = [["", *("1" * len(group.names) for _ in group.commands)] for group in groups]
    assert call.parse((rows, "")) is None
    rows[-1][-1] = "?"
    with pytest.raises(LedgerMisconfigured, match="does not know the command"):
        call.parse((rows, ""))
