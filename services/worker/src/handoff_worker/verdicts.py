"""What a handler raises when it has no result. Neither text may hold anything from the payload."""

from handoff_ledger import Fault


class Retry(Exception):
    """Trying again may help: after `after` seconds, or after the policy's back-off."""

    def __init__(self, code: str, message: str = "The work is to be tried again.", after: float | None = None) -> None:
        super().__init__(code)
        self.fault = Fault(code=code, message=message)
        self.after = after


class Fail(Exception):
    """Trying again is useless."""

    def __init__(self, code: str, message: str = "The work can't be done.") -> None:
        super().__init__(code)
        self.fault = Fault(code=code, message=message)
