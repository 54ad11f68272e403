"""The ledger's Lua scripts. `load` puts the functions of `lib` that a script calls before it, and a check of rights."""

import re
from collections.abc import Iterator
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import NamedTuple

from handoff_contracts import QUEUES
from handoff_ledger.command_examples import EXAMPLES, NAME
from handoff_ledger.keys import CELERY_RESULT_PREFIX, PREFIX

# A part may call functions of the parts before it.
LIBRARY_PARTS = (
    *("keys", "record", "lifetimes", "idempotency", "transitions", "packs", "finish", "claims", "admin"),
    "batch_steps",
)
WITHOUT_RIGHTS = frozenset({"check_rights"})  # scripts that run whichever right the user lacks
LOCAL_PATTERN = re.compile(r"local (?:function )?(\w+)")
BLOCK_PATTERN = re.compile(r"^(?=\S)(?!end\b|\})", re.MULTILINE)  # where a statement of the top level begins
COMMENT_PATTERN = re.compile(r"(^|\s+)-- ?.*$", re.MULTILINE)
COMMAND_PATTERN = re.compile(r"redis\.call\('([A-Z]+)'")
LIST_COMMANDS = frozenset({"EXISTS", "LINDEX", "LPUSH", "RPOP"})  # scripts also call these for the broker's lists
RESULT_COMMANDS = frozenset({"DEL", "SET"})  # scripts also call these for Celery's results


class Script(NamedTuple):
    """A Lua script, and the SHA-1 digest by which Redis knows it."""

    text: str
    sha: str


@cache
def load(name: str) -> Script:
    """Returns the text of `<name>.lua` for Redis. Raises `FileNotFoundError`."""
    folder = files(__name__)
    template = folder.joinpath("message.json").read_text().strip()
    message = re.sub("@([a-z]+)@", r"]==] .. values.\1 .. [==[", template)
    body = folder.joinpath(f"{name}.lua").read_text()
    # At its memory limit Redis refuses scripts without allow-oom: those that add work. Workers continue.
    flags = "" if name.startswith("accept") else "allow-oom"
    head = f"#!lua flags={flags}\nlocal function message(values) return [==[{message}]==] end\n"
    if name in WITHOUT_RIGHTS:
        text = head + called(body, ("keys",)) + body
    else:
        code = called(body) + body
        text = head + _rights_check(code) + code
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


def called(body: str, parts: tuple[str, ...] = LIBRARY_PARTS) -> str:
    """Returns the library's statements that `body` needs: Redis runs all of a script's text in each call."""
    needed = COMMENT_PATTERN.sub("", body)
    kept: list[str] = []
    for block in reversed([block for part in parts for block in blocks(part)]):
        local = LOCAL_PATTERN.match(block)
        if local is None or re.search(rf"(?<![.\w'\"]){local[1]}\b(?!['\"])", needed):
            kept.append(block)
            needed += block
    return "".join(reversed(kept))


@cache
def blocks(part: str) -> list[str]:
    """Returns the statements of a part of the library, without comments."""
    text = files(__name__).joinpath("lib", f"{part}.lua").read_text()
    return [block for block in BLOCK_PATTERN.split(COMMENT_PATTERN.sub("", text)) if block.strip()]


def _rights_check(code: str) -> str:
    """Returns Lua that sets `lacking` to the first right that the script's user lacks."""
    checks = [
        f"not may({', '.join(repr(part) for part in EXAMPLES[command.lower()]).replace(NAME, key)})"
        f" and '{command} {key}'"
        for command in sorted({*COMMAND_PATTERN.findall(code)} - {"TIME"})
        for key in _example_keys(command)
    ]
    return f"local may = redis.acl_check_cmd\nlocal lacking = {' or '.join(checks)}\n"


def _example_keys(command: str) -> Iterator[str]:
    """Yields a key of each kind that scripts use with this command."""
    yield PREFIX
    if command in LIST_COMMANDS:
        yield from QUEUES
    if command in RESULT_COMMANDS:
        yield CELERY_RESULT_PREFIX
