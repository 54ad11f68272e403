"""The errors that end a command."""


class Refused(Exception):
    """Nothing changed. Each argument is a sentence about one problem. Exit code 2."""

    def __str__(self) -> str:
        return "\n".join(map(str, self.args))


class Failed(Exception):
    """The command changed something and failed; the message says why. Exit code 1."""


class SmokeFailed(Failed):
    """Every workload is ready, but the smoke test fails."""
