"""How a command ends early."""


class Refused(Exception):
    """Nothing was changed; each argument is a sentence that says what is missing. Exit code 2."""

    def __str__(self) -> str:
        return "\n".join(map(str, self.args))


class Failed(Exception):
    """Something was changed, or tried; the message says what went wrong. Exit code 1."""


class SmokeFailed(Failed):
    """All is applied and ready, and does not do its work."""
