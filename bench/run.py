"""`make bench`: measures every question, or those in ONLY, prints the figures and writes them as JSON.

A missed target is no error. Exit code 1: a measurement failed.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench import accept, backlog, batch, drain, footprint, pushes, recovery
from bench.figures import Figures, figures_table
from bench.targets import targets_table
from stack import ROOT

QUESTIONS: dict[str, Callable[[], Figures]] = {
    "accept": accept.measure,
    "drain": drain.measure,
    "batch": batch.measure,
    "push": pushes.measure,
    "backlog": backlog.measure,
    "recovery": recovery.measure,
    "footprint": footprint.measure,
}
FILE = ROOT / ".handoff" / "bench.json"


def machine() -> dict[str, str]:
    """Return the machine and the commit of the figures."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "commit": commit.stdout.strip(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="questions, separated by spaces")
    parser.add_argument("--output", type=Path, default=FILE)
    arguments = parser.parse_args()
    chosen = arguments.only.split() or list(QUESTIONS)
    if unknown := set(chosen) - QUESTIONS.keys():
        parser.error(f"{', '.join(sorted(unknown))}: the questions are {', '.join(QUESTIONS)}")
    results: dict[str, Figures] = {}
    took: dict[str, float] = {}
    for question in chosen:
        print(f"{question} ...", file=sys.stderr, flush=True)
        began = time.monotonic()
        results[question] = QUESTIONS[question]()
        took[question] = round(time.monotonic() - began, 1)
        print(figures_table(question, results[question]), end="\n\n", flush=True)
    print(targets_table(results))
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps({"machine": machine(), "took_s": took, "results": results}, indent=1))
    print(f"\n{sum(took.values()):.0f} s, written to {arguments.output}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
