"""The options of a command line."""

import shlex
from dataclasses import dataclass

PRODUCTION = "production"
DEV = "dev"  # for test clusters: a deploy creates missing Secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    context: str
    overlay: str = PRODUCTION
    registry: str = ""
    load: str = ""
    yes: bool = False
    allow_dirty: bool = False
    to: int | None = None
    data: bool = False

    def command(self, target: str) -> str:
        """Return the command line of another make target for the same installation."""
        overlay = "" if self.overlay == PRODUCTION else f" OVERLAY={shlex.quote(self.overlay)}"
        return f"make {target} CONTEXT={shlex.quote(self.context)}{overlay}"
