"""SIGTERM, as a rolling restart sends it, and the next one started in its place."""

import signal
import time

from process import Process
from tests.faults.scene import Scene


def term(scene: Scene, process: Process) -> None:
    """Restarts a worker or an API. It has to end by itself, inside its grace, and with 0."""
    began = time.monotonic()
    process.signal(signal.SIGTERM)
    ended = process.wait(process.grace)
    scene.expect(ended, f"{process.name} did not end within its grace of {process.grace:.0f} s")
    scene.expect(not ended or process.exit_code == 0, f"{process.name} ended with {process.exit_code} after SIGTERM")
    scene.notes.append(f"{process.name} ended in {time.monotonic() - began:.1f} s")
    process.kill()
    process.start()
    process.wait_ready()
