"""Redis's users, as the file that Redis reads."""

import hashlib

import pytest

from handoff_ledger.acl import RULES, users_file

PASSWORDS = {user: f"{user}-password" for user in RULES}
SERVICES = ("api", "worker", "flower")


@pytest.fixture
def users() -> dict[str, list[str]]:
    """The rules of each user, by its name."""
    lines = [line.split() for line in users_file(PASSWORDS).splitlines()]
    assert {line[0] for line in lines} == {"user"}
    return {name: rules for _, name, *rules in lines}


def test_there_is_one_for_each_service_and_three_more(users: dict[str, list[str]]) -> None:
    assert users.keys() == {"default", "probe", "admin", *SERVICES}
    assert all(rules[0] == "reset" for rules in users.values()), "nothing of a user's earlier rights stays"


def test_passwords_are_there_as_hashes(users: dict[str, list[str]]) -> None:
    assert not any(password in users_file(PASSWORDS) for password in PASSWORDS.values())
    for user, password in PASSWORDS.items():
        assert f"#{hashlib.sha256(password.encode()).hexdigest()}" in users[user]
    assert [user for user, rules in users.items() if "nopass" in rules] == ["probe"]


def test_nobody_logs_in_as_default_but_redis_may_load_what_it_wrote(users: dict[str, list[str]]) -> None:
    assert users["default"] == ["reset", "off", "~*", "&*", "+@all"]
    assert [user for user, rules in users.items() if "on" not in rules] == ["default"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_what_it_needs_by_name(users: dict[str, list[str]], service: str) -> None:
    rules = users[service]
    assert "-@all" in rules
    assert {rule for rule in rules if rule.startswith("+@")} == {"+@connection"}
    assert not {"~*", "&*", "allkeys", "allchannels", "allcommands"} & set(rules)
    forbidden = ("acl", "config", "debug", "flushall", "flushdb", "keys", "monitor", "script|flush", "shutdown")
    assert not {f"+{command}" for command in forbidden} & set(rules)


def test_flower_sees_nothing_of_the_ledger(users: dict[str, list[str]]) -> None:
    assert not [rule for rule in users["flower"] if "handoff:" in rule or "celery-task-meta" in rule]


def test_a_missing_password_is_no_empty_one() -> None:
    with pytest.raises(KeyError):
        users_file({"api": "one"})
