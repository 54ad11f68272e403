"""What the smoke Job runs, in the API's image: a task through each lane, and a key that must not open.

Standard library only. HANDOFF_SMOKE_API is the API's host and port; the key lies in the file HANDOFF_SMOKE_KEY_FILE.
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
    """The status and the JSON of an answer."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection(os.environ["HANDOFF_SMOKE_API"], timeout=10)
    try:
        connection.request("GET" if body is None else "POST", path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        return answer.status, json.load(answer)
    finally:
        connection.close()


def echo(key: str, lane: str) -> str:
    """What is wrong with a lane, '' when its worker has given the message back."""
    message, began = uuid.uuid4().hex, time.monotonic()
    status, task = call(key, f"/v1/tasks/system.echo?priority={lane}", {"message": message})
    if status != 202:
        return f"{lane}: the API answered {status} instead of 202"
    while task["state"] not in ENDED and time.monotonic() - began < DEADLINE_SECONDS:
        time.sleep(0.2)
        status, seen = call(key, f"/v1/tasks/{task['id']}")
        task = seen if status == 200 else task
    if task["state"] != "succeeded" or task["result"] != {"message": message}:
        return f"{lane}: task {task['id']} is {task['state']} after {time.monotonic() - began:.1f} s"
    print(f"{lane}: succeeded in {time.monotonic() - began:.1f} s")
    return ""


def stranger() -> str:
    status, _ = call("hk_nobody", "/v1/tasks/system.echo", {"message": ""})
    if status != 401:
        return f"a wrong key was answered {status} instead of 401"
    print("a wrong key: 401")
    return ""


def unserved(key: str, lanes: list[str]) -> str:
    """Which of the lanes no live worker takes tasks from, as a sentence."""
    _, queues = call(key, "/v1/queues")
    served = {queue["name"] for queue in queues["items"] if queue["served"]}
    missing = [lane for lane in lanes if lane not in served]
    if missing:
        return f"no worker serves {', '.join(missing)}"
    print(f"served: {', '.join(lanes)}")
    return ""


def main() -> int:
    key = Path(os.environ["HANDOFF_SMOKE_KEY_FILE"]).read_text().strip()
    shared, alone = (os.environ[name].split() for name in ("HANDOFF_SMOKE_LANES", "HANDOFF_SMOKE_SERVED"))
    wrong = [stranger(), *(echo(key, lane) for lane in shared), unserved(key, [*shared, *alone])]
    for sentence in filter(None, wrong):
        print(f"WRONG  {sentence}")
    return 1 if any(wrong) else 0


if __name__ == "__main__":
    sys.exit(main())
