"""What a handler raises when it has no result. `Gone.recipient` alone may hold anything from the payload."""

import re

from handoff_ledger import Failure

CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Verdict(Exception):
    """Raised by a handler in place of a result. `code` is a name like no_such_customer."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        if not CODE.fullmatch(code):  # a code shows in Flower and in logs, so nothing of a payload may be one
            raise ValueError("a code is a name like no_such_customer")
        self.fault = Failure(code=code, message=message)


class Retry(Verdict):
    """Trying again may help: after `after` seconds, or after the policy's back-off."""

    def __init__(self, code: str, message: str = "The work is to be tried again.", after: float | None = None) -> None:
        super().__init__(code, message)
        self.after = after


class Fail(Verdict):
    """Trying again is useless."""

    def __init__(self, code: str, message: str = "The work can't be done.") -> None:
        super().__init__(code, message)


class Gone(Fail):
    """Its recipient is no more: clients are told which, see `GET /v1/recipients/gone`."""

    def __init__(self, channel: str, recipient: str, code: str = "recipient_gone") -> None:
        super().__init__(code, "The recipient is gone.")
        self.channel = channel
        self.recipient = recipient


class Unknown(Verdict):
    """It may have been done, or not: the contract's policy says whether to repeat it or to give up."""

    def __init__(self, code: str = "unknown", message: str = "Whether it was done is not known.") -> None:
        super().__init__(code, message)


class Hold(Verdict):
    """Not now, for whatever was asked: it waits for `after` seconds, and the attempt does not count."""

    def __init__(self, code: str, after: float, message: str = "It waits until it may be done.") -> None:
        super().__init__(code, message)
        self.after = after
