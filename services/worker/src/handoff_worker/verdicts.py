"""What a handler raises when it has no result. Neither text may hold anything from the payload."""

import re

from handoff_ledger import Fault

CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")


def _fault(code: str, message: str) -> Fault:
    if not CODE.fullmatch(code):  # a code shows in Flower and in logs, so nothing of a payload may be one
        raise ValueError("a code is a name like no_such_customer")
    return Fault(code=code, message=message)


class Retry(Exception):
    """Trying again may help: after `after` seconds, or after the policy's back-off."""

    def __init__(self, code: str, message: str = "The work is to be tried again.", after: float | None = None) -> None:
        super().__init__(code)
        self.fault = _fault(code, message)
        self.after = after


class Fail(Exception):
    """Trying again is useless."""

    def __init__(self, code: str, message: str = "The work can't be done.") -> None:
        super().__init__(code)
        self.fault = _fault(code, message)
