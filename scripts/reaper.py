"""Kills process groups after their parent has ended.

Reads lines "+PGID" and "-PGID" from stdin. The pipe closes when the parent ends, even by SIGKILL; then this script
kills every group that is still listed.
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
