"""The ledger's scripts, each with the library in `lib` and the message's template before it."""

from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import NamedTuple

LIBRARY = ("record", "moves", "ends", "operators")  # each builds on those before it


class Script(NamedTuple):
    """A Lua script and the digest by which Redis knows it."""

    text: str
    sha: str


@cache
def load(name: str) -> Script:
    """The script in `<name>.lua`."""
    folder = files(__name__)
    message = folder.joinpath("message.json").read_text().strip()
    # The shebang lets a worker go on when Redis is at its memory limit; what adds work is refused there.
    flags = "" if name.startswith("accept") else "allow-oom"
    head = f"#!lua flags={flags}\nlocal MESSAGE = [==[{message}]==]\n"
    parts = [*(f"lib/{part}.lua" for part in LIBRARY), f"{name}.lua"]
    text = head + "".join(folder.joinpath(part).read_text() for part in parts)
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())
