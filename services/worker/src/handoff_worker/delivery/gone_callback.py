"""Tells clients which recipients are gone: by the list that they read, and by a call back, which is a signed
`http.request` task for what one chunk of work found out.
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
WEBHOOK = "gone"  # the app whose secret signs it
OWN = f"webhook:{WEBHOOK}"


def report_gone_recipients(
    run_with_retry: Callable[[Call[Any]], Any],
    url: HttpUrl | None,
    task: str,
    gone: Sequence[tuple[str, str]],
    limits: Limits,
) -> None:
    """Lists the recipients that a task found gone, and calls `url` back. `run_with_retry` runs a step of the ledger."""
    for first in range(0, len(gone), MAX_RECORDS_PER_SCRIPT):
        some = gone[first : first + MAX_RECORDS_PER_SCRIPT]
        run_with_retry(calls.note_gone([(channel, recipient, task) for channel, recipient in some], limits))
    if url and (submission := callback(url, task, gone)):
        (accepted,) = run_with_retry(calls.accept([submission], limits))
        if isinstance(accepted, QueueFull):  # who was not called back finds them in the list
            log.warning("A callback was not accepted.", extra={"event": "gone.not_called_back", "task": task})


def callback(url: HttpUrl, task: str, gone: Sequence[tuple[str, str]]) -> Submission | None:
    """The task that tells `url` of channels and recipients that a task found gone. The same are told once."""
    # That the one who is called back is gone, is nothing to call him back with.
    told = sorted({entry for entry in gone if entry[0] != OWN})
    if not told:
        return None
    event = {
        "type": "recipients.gone",
        "timestamp": datetime.now(UTC),
        "data": {"recipients": [{"channel": channel, "recipient": name, "task": task} for channel, name in told]},
    }
    request = {"method": "POST", "url": str(url), "webhook": WEBHOOK, "keep_body": 0, "body_json": event}
    return Submission(
        contract=HTTP_REQUEST,
        payload=to_json(request),
        queue=HTTP_REQUEST.queue.name,
        client="handoff",
        key=f"{task}:{hashlib.sha256(to_json(told)).hexdigest()}",
    )
