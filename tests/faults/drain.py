"""What the API says after the load: has all that it accepted come to an end?"""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.faults.scene import Scene

IDLE_SECONDS = 45.0  # without any progress for so long, nothing will come any more
OPEN = ("queued", "running", "scheduled", "parked")
ENDED = ("succeeded", "failed", "cancelled", "expired", "dead")


class Unanswered(Exception):
    """The API did not answer a question within its patience."""


def drain(scene: Scene) -> None:
    """Waits until nothing is open. However long that takes: it ends when it moves no more, and that is a fault."""
    for load in scene.loads:
        load.finish()
    seen, since = -1, time.monotonic()
    while open_states := [state for state in OPEN if page(scene, f"/v1/tasks?state={state}&limit=1")["items"]]:
        if len(scene.sink.refresh().requests) != seen:
            seen, since = len(scene.sink.requests), time.monotonic()
        if time.monotonic() - since > IDLE_SECONDS:
            scene.faults.append(f"tasks are left for ever: {', '.join(open_states)}")
            return
        time.sleep(0.1)


def ends(scene: Scene) -> None:
    """Notes accepted work that the API does not list as ended, and how it ended otherwise than by success."""
    how = {id: state for state in ENDED for id in listed(scene, state)}
    lost, tally = [], Counter[str]()
    for entry in scene.client_log.entries().values():
        if entry.status != "ok" or entry.key in scene.excused | scene.expired:
            continue
        if entry.items:
            batch = page(scene, f"/v1/batches/{entry.id}")
            ended = batch["state"] == "ended"
            tally.update({state: count for state, count in batch["counts"].items() if count})
        else:
            ended = entry.id in how
            tally[how.get(entry.id, "nowhere")] += 1
        if not ended:
            lost.append(entry.id)
    scene.expect(not lost, f"{len(lost)} accepted did not end: {', '.join(lost[:3])}")
    scene.notes += [f"{count} {state}" for state, count in tally.items() if state != "succeeded"]


def listed(scene: Scene, state: str) -> Iterator[str]:
    cursor: str | None = ""
    while cursor is not None:
        answer = page(scene, f"/v1/tasks?state={state}&limit=500&cursor={cursor}")
        yield from (task["id"] for task in answer["items"])
        cursor = answer["cursor"]


def page(scene: Scene, path: str) -> Any:
    """The API's answer to a question, asked until it has one."""
    deadline = time.monotonic() + 30
    while (answer := scene.client.ask("GET", path)).status != 200:
        if time.monotonic() > deadline:
            raise Unanswered(f"{path}: {answer.status}")
        time.sleep(0.2)
    return answer.body
