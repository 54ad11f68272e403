"""The ledger's scripts, each with the message's template and what it calls of the library in `lib` before it."""

import re
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import NamedTuple

from handoff_contracts import QUEUES
from handoff_ledger.command_examples import EXAMPLES, NAME

# Each builds on those before it.
LIBRARY_PARTS = (
    "record",
    "lifetimes",
    "idempotency",
    "transitions",
    "packs",
    "finish",
    "claims",
    "admin",
    "batch_steps",
)
WITHOUT_LIBRARY = frozenset(
    {"check_rights"}
)  # runs whichever right its user lacks, so it has nothing of the library before it
FUNCTION_PATTERN = re.compile(r"^local function (\w+)", re.MULTILINE)
COMMAND_PATTERN = re.compile(r"redis\.call\('([A-Z]+)'")
LIST_COMMANDS = frozenset(
    {"EXISTS", "LINDEX", "LPUSH", "RPOP"}
)  # commands that scripts call for the broker's lists too
RESULT_COMMANDS = frozenset({"DEL", "SET"})  # and for Celery's results


class Script(NamedTuple):
    """A Lua script and the digest by which Redis knows it."""

    text: str
    sha: str


@cache
def load(name: str) -> Script:
    """The script in `<name>.lua`."""
    folder = files(__name__)
    template = folder.joinpath("message.json").read_text().strip()
    message = re.sub("@([a-z]+)@", r"]==] .. values.\1 .. [==[", template)
    body = folder.joinpath(f"{name}.lua").read_text()
    # The shebang lets a worker go on when Redis is at its memory limit; what adds work is refused there.
    flags = "" if name.startswith("accept") else "allow-oom"
    head = f"#!lua flags={flags}\nlocal function message(values) return [==[{message}]==] end\n"
    code = _library(body) + body
    text = head + (body if name in WITHOUT_LIBRARY else _needs(code) + code)
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


def _needs(code: str) -> str:
    """Lua for the first right that the script's user lacks: for each command of the script, a key of each kind."""
    checks = []
    for command in sorted({*COMMAND_PATTERN.findall(code)} - {"TIME"}):
        keys = ["handoff:", *(QUEUES if command in LIST_COMMANDS else ())]
        keys += ["celery-task-meta-"] if command in RESULT_COMMANDS else []
        for key in keys:
            example = ", ".join(f"'{part}'" for part in EXAMPLES[command.lower()]).replace(NAME, key)
            checks.append(f"not may({example}) and '{command} {key}'")
    return f"local may = redis.acl_check_cmd\nlocal lacking = {' or '.join(checks)}\n"


def _library(body: str) -> str:
    """The library up to the last part that the script calls: Redis makes every function anew in each call."""
    parts = [files(__name__).joinpath("lib", f"{part}.lua").read_text() for part in LIBRARY_PARTS]
    while len(parts) > 1 and not any(
        re.search(rf"(?<![.\w]){name}\(", body) for name in FUNCTION_PATTERN.findall(parts[-1])
    ):
        parts.pop()
    return "".join(parts)
