"""The ledger's scripts, each with the message's template and what it calls of the library in `lib` before it."""

import re
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import NamedTuple

LIBRARY = ("record", "moves", "ends", "claims", "operators")  # each builds on those before it
FUNCTION = re.compile(r"^local function (\w+)", re.MULTILINE)


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
    text = head + _library(body) + body
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


def _library(body: str) -> str:
    """The library up to the last part that the script calls: Redis makes every function anew in each call."""
    parts = [files(__name__).joinpath("lib", f"{part}.lua").read_text() for part in LIBRARY]
    while len(parts) > 1 and not any(re.search(rf"(?<![.\w]){name}\(", body) for name in FUNCTION.findall(parts[-1])):
        parts.pop()
    return "".join(parts)
