"""How fast do pushes go out, beside firebase-admin? `python -m bench.pushes`

`bench/push.py` says what is measured; it runs in a process of its own, for firebase-admin is told other certificates.
"""

import json
import os
import subprocess
import sys

from bench.figures import Figures, alone
from stack import ROOT


def measure() -> Figures:
    env = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    command = [sys.executable, "-m", "bench.push"]
    run = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=200, check=False)
    if run.returncode:
        raise SystemExit(f"bench/push.py ended with {run.returncode}: {run.stderr[-2000:]}")
    return read(run.stdout)


def read(output: str) -> Figures:
    """The last line of `bench/push.py`."""
    found = json.loads(output.rstrip().rpartition("\n")[2])
    handoff = {"sends/s": found["handoff"], "of firebase-admin": found["ratio"], "end to end s": found["end_to_end_s"]}
    others = {"firebase-admin": found["firebase"], "HTTP client alone": found["client"]}
    return {"Handoff": handoff} | {name: {"sends/s": rate} for name, rate in others.items()}


if __name__ == "__main__":
    alone(measure)
