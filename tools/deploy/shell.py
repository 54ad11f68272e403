"""Runs other programs. An interrupt kills a program with all its child processes."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from interrupts import uninterrupted

ROOT = Path(__file__).resolve().parents[2]
TIMED_OUT = 124
MISSING = 127


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The exit code and the output of a program."""

    code: int  # TIMED_OUT when the timeout killed it, MISSING when it is not installed
    out: str
    err: str

    @property
    def reason(self) -> str:
        """The last line of standard error, or else of standard output."""
        lines = (self.err.strip() or self.out.strip()).splitlines()
        return (
            lines[-1].strip().removeprefix("error: ").removeprefix("ERROR: ").rstrip(".?")
            if lines
            else f"exit code {self.code}"
        )


Run = Callable[..., CommandResult]


def run(
    command: Sequence[str], *, input: str | None = None, env: Mapping[str, str] | None = None, timeout: float = 60.0
) -> CommandResult:
    """Run a command in the repository's root. `input` is its standard input; pass secrets there, never in `command`."""
    try:
        with uninterrupted():
            child = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,  # Ctrl-C reaches only this process, which stops the command
            )
    except (FileNotFoundError, PermissionError):
        return CommandResult(MISSING, "", f"{command[0]} is not installed")
    try:
        out, err = child.communicate(input, timeout)
    except subprocess.TimeoutExpired:
        _kill(child)
        return CommandResult(TIMED_OUT, "", f"{command[0]} did not finish within {timeout:.0f} s")
    except BaseException:
        _kill(child)
        raise
    return CommandResult(child.returncode, out, err)


def _kill(child: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.communicate()
