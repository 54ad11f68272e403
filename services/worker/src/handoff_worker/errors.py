"""Errors that a handler raises instead of returning a result.

HandlerError
├── Retry               a later attempt may succeed
├── Fail                no attempt can succeed
│   └── RecipientGone   the recipient no longer exists
├── Snooze              not yet: run later, without counting this attempt
└── Unknown             the effect may or may not have happened

Codes and messages appear in logs, in Flower and in the API, so they never quote a payload. The one exception is
`RecipientGone.recipient`, which only `GET /v1/recipients/gone` and the signed callback return.
"""

import re

from handoff_ledger import Failure

CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")


class HandlerError(Exception):
    """`code` is a name such as `no_such_customer`; `message` is one sentence for the client.

    Raises:
        ValueError: the code is not a name.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        if not CODE.fullmatch(code):
            raise ValueError("a code is a name like no_such_customer")
        self.failure = Failure(code=code, message=message)


class Retry(HandlerError):
    """A later attempt may succeed. `after`: seconds until then; without it the policy's back-off applies."""

    def __init__(self, code: str, message: str = "The handler asked for a retry.", after: float | None = None) -> None:
        super().__init__(code, message)
        self.after = after


class Fail(HandlerError):
    """No attempt can succeed: the task fails at once."""

    def __init__(self, code: str, message: str = "The handler reported a permanent failure.") -> None:
        super().__init__(code, message)


class RecipientGone(Fail):
    """The recipient no longer exists. `GET /v1/recipients/gone` lists it with its channel."""

    def __init__(self, channel: str, recipient: str, code: str = "recipient_gone") -> None:
        super().__init__(code, "The recipient is gone.")
        self.channel = channel
        self.recipient = recipient


class Unknown(HandlerError):
    """The effect may or may not have happened. The policy's `unknown` decides between a retry and a failure."""

    def __init__(self, code: str = "unknown", message: str = "Whether the work was done is unknown.") -> None:
        super().__init__(code, message)


class Snooze(HandlerError):
    """The work must wait for `after` seconds. This attempt does not count."""

    def __init__(self, code: str, after: float, message: str = "The task waits until it may run.") -> None:
        super().__init__(code, message)
        self.after = after
