"""The smoke Job's program, in the API's image: runs a task through each queue, and expects 401 for a wrong key.

It uses only the standard library. HANDOFF_SMOKE_API is the API's host and port, HANDOFF_SMOKE_KEY_FILE the file with
the API key.
"""

import http.client
import json
import os
import sys
import time
import uuid
from pathlib import Path
from typing import Any

DEADLINE_SECONDS = 60.0
ENDED = ("succeeded", "failed", "cancelled", "expired", "dead", "parked")


def call(key: str, path: str, body: dict[str, str] | None = None) -> tuple[int, Any]:
    """Return the status and the JSON of the response."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection(os.environ["HANDOFF_SMOKE_API"], timeout=10)
    try:
        connection.request("GET" if body is None else "POST", path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        return answer.status, json.load(answer)
    finally:
        connection.close()


def echo(key: str, queue: str) -> str:
    """Return a sentence about the failure, or '' when the worker returned the message."""
    message, began = uuid.uuid4().hex, time.monotonic()
    status, task = call(key, f"/v1/tasks/system.echo?priority={queue}", {"message": message})
    if status != 202:
        return f"{queue}: the API answered {status} instead of 202"
    while task["state"] not in ENDED and time.monotonic() - began < DEADLINE_SECONDS:
        time.sleep(0.2)
        status, seen = call(key, f"/v1/tasks/{task['id']}")
        task = seen if status == 200 else task
    if task["state"] != "succeeded" or task["result"] != {"message": message}:
        return f"{queue}: task {task['id']} is {task['state']} after {time.monotonic() - began:.1f} s"
    print(f"{queue}: succeeded in {time.monotonic() - began:.1f} s")
    return ""


def check_wrong_key() -> str:
    """Return a sentence about the failure, or '' when the API answers 401."""
    status, _ = call("hk_nobody", "/v1/tasks/system.echo", {"message": ""})
    if status != 401:
        return f"the API answered a wrong key with {status} instead of 401"
    print("a wrong key: 401")
    return ""


def unserved(key: str, queues: list[str]) -> str:
    """Return a sentence that names the queues without a live worker, '' when each has one."""
    _, answer = call(key, "/v1/queues")
    served = {queue["name"] for queue in answer["items"] if queue["served"]}
    missing = [queue for queue in queues if queue not in served]
    if missing:
        return f"no worker serves {', '.join(missing)}"
    print(f"served: {', '.join(queues)}")
    return ""


def main() -> int:
    key = Path(os.environ["HANDOFF_SMOKE_KEY_FILE"]).read_text().strip()
    shared, alone = (os.environ[name].split() for name in ("HANDOFF_SMOKE_QUEUES", "HANDOFF_SMOKE_SERVED"))
    wrong = [check_wrong_key(), *(echo(key, queue) for queue in shared), unserved(key, [*shared, *alone])]
    for sentence in filter(None, wrong):
        print(f"FAILED  {sentence}")
    return 1 if any(wrong) else 0


if __name__ == "__main__":
    sys.exit(main())
