"""Tasks that kill what runs them, and messages that are none."""

import json
from collections.abc import Iterable

from tests.faults.load import single
from tests.faults.scene import Scene

BAD_JSON = ['{"body": ', "[[[[", "\xff\xfe", "null", "7"]
UNKNOWN = json.dumps(
    {
        "body": "W1tdLCB7fSwge31d",
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"lang": "py", "task": "nobody.knows", "id": "7" * 26, "root_id": "7" * 26},
        "properties": {
            "body_encoding": "base64",
            "correlation_id": "7" * 26,
            "delivery_info": {"exchange": "", "routing_key": "default"},
            "delivery_mode": 2,
            "delivery_tag": "default-0",
            "priority": 0,
        },
    }
)


def poison(scene: Scene, kinds: Iterable[str]) -> dict[str, str]:
    """Submits one of each kind, and pushes what is no message into the queue. Gives ids by kind."""
    jobs = {kind: single(f"poison-{kind}", f"faults.{kind}") for kind in kinds}
    scene.excused.update(job.key for job in jobs.values())
    scene.redis.lpush("default", *BAD_JSON, UNKNOWN)
    return dict(zip(jobs, scene.submit(jobs.values()), strict=True))
