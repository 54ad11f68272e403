"""Kills process groups whose starter is gone.

Reads lines "+PGID" and "-PGID" from stdin. The starter holds the pipe's other end: when it closes, however the starter
ended, every group still listed is killed.
"""

import contextlib
import os
import signal
import sys

groups: set[int] = set()
for line in sys.stdin:
    (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
for group in groups:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
