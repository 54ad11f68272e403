"""A contract for tests, and attempts at it."""

import inspect
from collections.abc import Callable
from typing import Any

from handoff_contracts import Contract, Payload, Policy, Result
from handoff_ledger import SyncLedger
from handoff_worker.binding import Binding
from handoff_worker.execution.attempt import Attempt
from handoff_worker.resources import Resources
from handoff_worker.settings import Settings

SECRET = "5ecret-device-token"


class Ask(Payload):
    text: str


class Answer(Result):
    text: str


def resources(**settings: Any) -> Resources:
    """Returns resources whose ledger can't be reached."""
    return Resources.open(Settings(**settings), SyncLedger("redis://127.0.0.1:1/0"))


def attempt_at(handler: Callable[[Any, Resources], Any], **policy: Any) -> Attempt:
    """Returns an attempt with this handler and this policy."""
    contract = Contract(
        name="test.ask", version=1, payload=Ask, result=Answer, summary="A test.", policy=Policy(**policy)
    )
    return Attempt(Binding(contract, handler, inspect.iscoroutinefunction(handler)), resources())
