"""The result of running one task, as the worker needs it for its log line and for Celery's events."""

from dataclasses import dataclass

from handoff_ledger import Claim, State


@dataclass(frozen=True, slots=True)
class RunResult:
    """`state`: the task's state after the run; None when the run was refused, and `refused` says why.

    `code`: the failure's code. `after`: seconds until the next attempt. `next_claim`: the task to run next.
    """

    state: State | None = None
    code: str = ""
    after: float = 0.0
    refused: str = ""
    next_claim: Claim | None = None

    @property
    def pending(self) -> bool:
        """Whether the task waits for another attempt."""
        return self.state in (State.SCHEDULED, State.QUEUED)

    def describe(self, seconds: float) -> str:
        """Returns the end of the task's log line, in Celery's words. `seconds`: how long the run took."""
        if self.refused:
            return f"ignored: {self.refused}"
        if self.pending:
            return f"retry in {self.after:.1f} s: {self.code}"
        how = "succeeded" if self.state is State.SUCCEEDED else f"{self.state} with {self.code}"
        return f"{how} in {seconds:.4f}s"
