"""How the run of one task ended, as the worker sees it."""

from dataclasses import dataclass

from handoff_ledger import Claim, State


@dataclass(frozen=True, slots=True)
class Ending:
    """How a task's run ended: its state now, or why it was not run. `after`: seconds to its next attempt.

    `next`: another task that is to be run now.
    """

    state: State | None = None
    code: str = ""
    after: float = 0.0
    refused: str = ""
    next: Claim | None = None

    def told(self, seconds: float) -> str:
        """What a log line says of it, in Celery's words."""
        if self.refused:
            return f"ignored: {self.refused}"
        if self.state in (State.SCHEDULED, State.QUEUED):
            return f"retry in {self.after:.1f} s: {self.code}"
        how = "succeeded" if self.state is State.SUCCEEDED else f"{self.state} with {self.code}"
        return f"{how} in {seconds:.4f}s"
