"""The check of rights, by a Redis that knows users who lack one right each."""
# mypy: allow-untyped-calls
# redis-py has no types for what a client executes by name.

from collections.abc import Iterator, Sequence

import pytest
from redis import Redis as Client

from handoff_ledger import LedgerMisconfigured, SyncLedger
from handoff_ledger.acl import RULES
from handoff_ledger.rights import Service, check_rights, needs
from tests.integration.ledger.lab import Lab

USER = "tested"
SERVICES: Sequence[Service] = ("api", "worker")
ALL = "~* &* +@all"


@pytest.fixture
def url(redis: Client, redis_url: str) -> Iterator[str]:
    """The URL of a user whose rights a test sets."""
    yield redis_url.replace("redis://", f"redis://{USER}:secret@")
    redis.acl_deluser(USER)


def lacking(redis: Client, url: str, service: Service, rules: Sequence[str]) -> str:
    """What the check says of a user with these rules; nothing when all is well."""
    redis.execute_command("ACL", "SETUSER", USER, "reset", "on", ">secret", *rules)
    ledger = SyncLedger(url)
    try:
        ledger.run(check_rights(service))
    except LedgerMisconfigured as error:
        return error.reason
    finally:
        ledger.close()
    return ""


def granted(sentence: str) -> set[str]:
    """The rules that a sentence says are missing."""
    return set(sentence.partition("grant it ")[2].removesuffix(" with ACL SETUSER.").split())


@pytest.mark.parametrize("service", SERVICES)
def test_each_right_that_is_missing_is_named(redis: Client, url: str, service: Service) -> None:
    rules = RULES[service].split()
    assert lacking(redis, url, service, rules) == ""
    redis.acl_log_reset()
    needed = [rule for rule in rules if "@" not in rule and rule not in ("+waitaof",)]
    for rule in needed:
        rest = [each for each in rules if each != rule]
        said = lacking(redis, url, service, rest)
        assert granted(said) == {rule} or (rule == "+psubscribe" and rule in granted(said)), (rule, said)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (ALL, ""),
        (f"{ALL} resetchannels", "&handoff:events:*"),
        (f"{ALL} resetchannels &handoff:*", "&celery-task-meta-*"),
        (f"{ALL} -publish", "+publish"),
        ("&* +@all", "~handoff:*"),
        ("&* +@all ~other:*", "~handoff:*"),
        ("&* +@all ~handoff:* ~celery-task-meta-* ~high* ~default* ~documents*", "~bulk*"),
        ("&* +@all %R~*", "~handoff:*"),
        ("&* +@all %W~*", "~handoff:*"),
        (f"{ALL} -@write", "+hset"),
        (f"{ALL} -@read", "+get"),
        (f"{ALL} -eval", "+eval"),
        (f"{ALL} -evalsha", "EVALSHA"),
        (f"{ALL} -time", "+time"),
        (f"{ALL} -@scripting", "EVALSHA"),
    ],
)
@pytest.mark.parametrize("service", SERVICES)
def test_the_users_that_people_have(redis: Client, url: str, service: Service, rules: str, words: str) -> None:
    redis.script_flush()
    said = lacking(redis, url, service, rules.split())
    assert words in said
    assert bool(said) is bool(words)


def test_the_check_of_what_is_missing_writes_nothing(redis: Client, url: str, lab: Lab) -> None:
    lab.submit()
    before = lab.dump()
    for rules in ("&* +@all", "&* +@all %R~*", f"{ALL} resetchannels"):
        assert lacking(redis, url, "api", rules.split())
    assert lab.dump() == before


@pytest.mark.parametrize("service", SERVICES)
def test_every_example_is_a_command_as_it_is_sent(redis: Client, service: Service) -> None:
    """A server that looks for the keys of a command with too few arguments may end."""
    known = redis.execute_command("COMMAND")
    for group in needs(service, durable=True):
        for command in group.commands:
            name, *_ = command
            parts = known[name]
            arity = parts["arity"]
            assert arity == len(command) or (arity < 0 and -arity <= len(command)), command
