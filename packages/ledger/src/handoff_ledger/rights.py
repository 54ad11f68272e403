"""The rights that a service needs in Redis, from the rules in `acl.py`, and the call that checks them."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic_core import to_json

from handoff_ledger.acl import RULES
from handoff_ledger.calls import Call
from handoff_ledger.command_examples import BOTH, CHANNELS, EITHER, NAME, PATTERNS, PLAIN, READS, WRITES, examples
from handoff_ledger.errors import LedgerMisconfigured
from handoff_ledger.outages import explain_reply

Service = Literal["api", "worker"]
SUBJECTS: Mapping[Service, str] = {"api": "the API", "worker": "a worker"}
PROBES = {READS: ["get", NAME], WRITES: ["del", NAME], CHANNELS: ["publish", NAME, ""]}
NAME_REFUSED = re.compile(r"a key|of the keys|a channel|the channel")


@dataclass(frozen=True, slots=True)
class Group:
    """Commands that need the same right to a name.

    `rules` grant the `names`. Redis refuses the command `probe` with a reason. `literal`: the rule must equal the name,
    so that a user may have the name for other commands and lack it for these.
    """

    commands: Sequence[Sequence[str]]
    names: Sequence[str]
    rules: Sequence[str]
    probe: Sequence[str] = ()
    literal: bool = False

    def lacking(self, refusal: str, *answers: str, missing: Collection[str]) -> list[str]:
        """Returns the rules that the user lacks, from the script's answers. `missing`: those of other groups."""
        denied = [command for command, said in zip(self.commands, answers, strict=True) if {*said} == {"0"}]
        columns = zip(self.rules, zip(*answers, strict=True), strict=True)
        names = [rule for rule, said in columns if rule and {*said} == {"0"}]
        commands = [f"+{name_of(command)}" for command in denied]
        if len(denied) < len(self.commands):
            return [*commands, *names]
        # Everything is denied: the user lacks either the names or the commands.
        if NAME_REFUSED.search(refusal) or (names and {*names} <= {*missing}):
            return names
        return [*commands, *(names if self.literal else [])]

    def unknown(self, _: str, *answers: str) -> list[str]:
        """Returns the commands that Redis does not know."""
        return [name_of(command) for command, said in zip(self.commands, answers, strict=True) if "?" in said]


def check_rights(service: Service, *, database: int = 0, durable: bool = False) -> Call[None]:
    """Checks that the connected user has the rights of a service. `durable`: the service waits for Redis's disk.

    Raises:
        LedgerUnavailable: the user lacks rights, which the error names as ACL rules, or Redis refuses scripts.
    """
    groups = needs(service, database=database, durable=durable)

    def parse(reply: tuple[list[list[str]], str]) -> None:
        rows, refusal = reply
        answered = list(zip(groups, rows, strict=False))
        if unknown := [name for group, row in answered for name in group.unknown(*row)]:
            raise LedgerMisconfigured(
                f"Redis does not know the command {' or '.join(unknown).upper()}: run Redis 7.2 or newer, or Valkey."
            )
        lacking: dict[str, None] = {}
        for group, row in answered:
            lacking |= dict.fromkeys(group.lacking(*row, missing=lacking))
        if lacking:
            raise LedgerMisconfigured(
                f"The user of CELERY_BROKER_URL lacks rights in Redis that {SUBJECTS[service]} needs:"
                f" grant it {' '.join(lacking)} with ACL SETUSER."
            )
        if refusal:
            raise explain_reply(refusal).error()

    argument = [
        {"commands": group.commands, "names": group.names} | ({"probe": group.probe} if group.probe else {})
        for group in groups
    ]
    return Call("check_rights", [to_json(argument)], parse)


def needs(service: Service, *, database: int = 0, durable: bool = False) -> list[Group]:
    """Returns the rights of a service as groups of commands. Celery's channels contain the database number."""
    rules = [rule.replace("&/0.", f"&/{database}.") for rule in RULES[service].split()]
    commands = {rule[1:] for rule in rules if rule.startswith("+") and "@" not in rule} | {"ping"}
    if not durable:
        commands.discard("waitaof")
    keys = [rule for rule in rules if rule.startswith("~")]
    channels = [rule for rule in rules if rule.startswith("&")]
    return [
        *_groups(commands, (READS, WRITES, BOTH, EITHER), keys),
        *_groups(commands, (CHANNELS,), channels),
        *_groups(commands, (PATTERNS,), [rule for rule in channels if rule.startswith("&/")], literal=True),
        *_groups(commands, (PLAIN,), [""]),
    ]


def _groups(
    commands: set[str], kinds: Iterable[str], rules: Sequence[str], *, literal: bool = False
) -> Iterator[Group]:
    names = [rule[1:] if literal else rule[1:].replace("*", "check") for rule in rules]
    for kind in kinds:
        wanted = [example for example in examples(kind) if name_of(example) in commands]
        if wanted and names:
            yield Group(wanted, names, rules, PROBES.get(kind, ()), literal)


def name_of(command: Sequence[str]) -> str:
    """Returns a command's name as an ACL rule spells it."""
    return "|".join(command[:2]) if command[0] == "script" else command[0]
