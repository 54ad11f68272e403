"""The user of Redis loses a right under load, one after the other, and gets it back: no step is done by half."""

import time

from tests.faults.operations.revoke_right import revoke_right
from tests.faults.scenarios.outage import endless, working
from tests.faults.scene import Scene

# What Handoff's scripts need and Celery's transport does not.
RIGHTS = ["resetchannels", "-hset", "-hincrby", "-set", "-zcard", "-hgetall", "-persist"]
AWAY_SECONDS = 2.0


def play(scene: Scene, *, quick: bool) -> None:
    load = scene.load(endless("rights"), threads=4, ahead=100)
    for right in RIGHTS if quick else RIGHTS * 3:
        working(scene)
        with revoke_right(scene, right):
            time.sleep(AWAY_SECONDS)  # the fault's own length
    working(scene)
    load.stop()
    odd = sorted({answer.status for answer in load.answers} - {200, 202, 429, 503})
    scene.expect(not odd, f"the API answered with {odd}")
    away = sum(answer.status == 503 for answer in load.answers)
    scene.expect(away > 0, "no request met a missing right")
    scene.notes.append(f"{len(RIGHTS)} rights; {away} times 503")
