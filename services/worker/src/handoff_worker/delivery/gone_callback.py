"""Reports recipients that are gone: in the list of the API, and by a callback.

The callback is a signed `http.request` task for all recipients that one chunk of work found gone.
"""

import hashlib
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import HttpUrl
from pydantic_core import to_json

from handoff_contracts.tasks.http_request import HTTP_REQUEST
from handoff_ledger import Call, Limits, QueueFull, Submission, calls
from handoff_ledger.calls.base import MAX_RECORDS_PER_SCRIPT

log = logging.getLogger(__name__)
WEBHOOK = "gone"  # the app whose secret signs the callback
CALLBACK_CHANNEL = f"webhook:{WEBHOOK}"


def report_gone_recipients(
    run_with_retry: Callable[[Call[Any]], Any],
    url: HttpUrl | None,
    task: str,
    gone: Sequence[tuple[str, str]],
    limits: Limits,
) -> None:
    """Lists the (channel, recipient) pairs that a task found gone, and submits a callback to `url`.

    `run_with_retry` runs a call to the ledger.
    """
    for first in range(0, len(gone), MAX_RECORDS_PER_SCRIPT):
        part = gone[first : first + MAX_RECORDS_PER_SCRIPT]
        run_with_retry(calls.note_gone([(channel, recipient, task) for channel, recipient in part], limits))
    if url and (submission := callback_task(url, task, gone)):
        (accepted,) = run_with_retry(calls.accept([submission], limits))
        if isinstance(accepted, QueueFull):  # the list still has the recipients
            log.warning(
                "The queue is full: no callback is sent.", extra={"event": "gone.not_called_back", "task": task}
            )


def callback_task(url: HttpUrl, task: str, gone: Sequence[tuple[str, str]]) -> Submission | None:
    """The task that calls `url` back, or None without recipients. The same recipients give the same idempotency key."""
    # If the receiver of callbacks itself is gone, a callback would fail again.
    recipients = sorted({entry for entry in gone if entry[0] != CALLBACK_CHANNEL})
    if not recipients:
        return None
    event = {
        "type": "recipients.gone",
        "timestamp": datetime.now(UTC),
        "data": {"recipients": [{"channel": channel, "recipient": name, "task": task} for channel, name in recipients]},
    }
    request = {"method": "POST", "url": str(url), "webhook": WEBHOOK, "keep_body": 0, "body_json": event}
    canonical = to_json(recipients)  # without the timestamp, which differs in a repeat
    return Submission(
        contract=HTTP_REQUEST,
        payload=to_json(request),
        canonical=canonical,
        queue=HTTP_REQUEST.queue.name,
        client="handoff",
        key=f"{task}:{hashlib.sha256(canonical).hexdigest()}",
    )
