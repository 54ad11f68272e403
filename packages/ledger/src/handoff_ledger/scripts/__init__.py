"""The ledger's scripts, each with the message's template and what it calls of the library in `lib` before it."""

import re
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import NamedTuple

from handoff_contracts import QUEUES
from handoff_ledger.commands import EXAMPLES, NAME

# Each builds on those before it.
LIBRARY = ("record", "lifetimes", "replays", "moves", "packs", "ends", "claims", "operators", "steps")
ALONE = frozenset({"check_rights"})  # runs whichever right its user lacks, so it has nothing of the library before it
FUNCTION = re.compile(r"^local function (\w+)", re.MULTILINE)
COMMAND = re.compile(r"redis\.call\('([A-Z]+)'")
ON_LISTS = frozenset({"EXISTS", "LINDEX", "LPUSH", "RPOP"})  # commands that scripts call for the broker's lists too
ON_RESULTS = frozenset({"DEL", "SET"})  # and for Celery's results


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
    text = head + (body if name in ALONE else _needs(code) + code)
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


def _needs(code: str) -> str:
    """Lua for the first right that the script's user lacks: for each command of the script, a key of each kind."""
    checks = []
    for command in sorted({*COMMAND.findall(code)} - {"TIME"}):
        keys = ["handoff:", *(QUEUES if command in ON_LISTS else ())]
        keys += ["celery-task-meta-"] if command in ON_RESULTS else []
        for key in keys:
            example = ", ".join(f"'{part}'" for part in EXAMPLES[command.lower()]).replace(NAME, key)
            checks.append(f"not may({example}) and '{command} {key}'")
    return f"local may = redis.acl_check_cmd\nlocal lacking = {' or '.join(checks)}\n"


def _library(body: str) -> str:
    """The library up to the last part that the script calls: Redis makes every function anew in each call."""
    parts = [files(__name__).joinpath("lib", f"{part}.lua").read_text() for part in LIBRARY]
    while len(parts) > 1 and not any(re.search(rf"(?<![.\w]){name}\(", body) for name in FUNCTION.findall(parts[-1])):
        parts.pop()
    return "".join(parts)
