"""Calls clients back when recipients are gone: one signed `http.request` task for what one chunk of work found out."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import HttpUrl
from pydantic_core import to_json

from handoff_contracts.tasks.http_request import HTTP_REQUEST
from handoff_ledger import Submission

WEBHOOK = "gone"  # the app whose secret signs it
OWN = f"webhook:{WEBHOOK}"


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
