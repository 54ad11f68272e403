"""The fault suite: kills, stops, starves and poisons a stack of real processes, and checks the promise.

A scenario combines the operations of `operations/`. The checker compares two files that Handoff never reads:
what the client asked for and which answers it got (`client_log.py`), and what the handlers did (`sink.py`).
The suite prints a table and, as the last line, one JSON object:

accepted            items that the API answered with 202
executed            accepted and unknown items that had an effect
lost                accepted items without an effect after every task has ended; must be 0
duplicate_effects   items of an idempotency key with more than one effect at a provider with idempotency keys (here: the
                    task id); must be 0
repeated_requests   requests repeated for the same task, because a kill came between a request and its record; at most
                    the requests in flight at the kills
kills               processes killed
recovery_p99_s      from the death of a worker, beside a living one, until its tasks run again
control_lost        items that stock Celery lost under the same checker; must be above 0, or the suite proves nothing
"""

import argparse
import json
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.faults.checker import NOTHING, Findings
from tests.faults.control import Control
from tests.faults.result import HEAD, ScenarioResult, evaluate, percentile
from tests.faults.scenarios import (
    full,
    keys,
    killing,
    outage,
    poison,
    power_cut,
    reconcilers,
    recovery,
    rights,
    rolling,
    skew,
    slow,
)
from tests.faults.scene import Scene, checkout

LIMIT_SECONDS = 1500  # of one scenario
SCENARIOS: dict[str, Callable[..., None]] = {
    "stop trick": recovery.stopped,
    "worker killed": recovery.killed,
    "redis killed": outage.killed,
    "redis dropped": outage.dropped,
    "rolling restart": rolling.play,
    "redis full": full.play,
    "keys reused": keys.play,
    "rights revoked": rights.play,
    "poison": poison.play,
    "reconcilers": reconcilers.play,
    "clock skew": skew.play,
    "killing": killing.play,
}
LONG: dict[str, Callable[..., None]] = {
    "power cut": power_cut.play,
    "slow clients": slow.clients,
    "slow redis": slow.redis,
}


class TookTooLong(Exception):
    """A scenario did not come to its end."""


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def play(name: str, folder: Path, pythonpath: str, seed: str, *, quick: bool) -> ScenarioResult:
    """Plays one scenario in a folder of its own."""
    began = time.monotonic()
    scenario = (SCENARIOS | LONG)[name]
    random = Random(f"{seed} {name}")  # noqa: S311  # it chooses victims
    scene = Scene(folder / name.replace(" ", "-"), pythonpath, random)
    signal.alarm(LIMIT_SECONDS)
    try:
        with scene:
            scenario(scene, quick=quick)
            result = evaluate(name, scene)
    except Exception as error:  # what goes wrong in one scenario is its result; the others are played all the same
        result = ScenarioResult(name, NOTHING, faults=[*scene.faults, f"{type(error).__name__}: {error}"])
    finally:
        signal.alarm(0)
    result.seconds = time.monotonic() - began
    return result


def show(result: ScenarioResult) -> None:
    say(result.row())
    for fault in result.faults:
        say(f"  fault: {fault}")


def main() -> int:
    """Plays what was asked for. Gives the exit code."""
    options = arguments()
    chosen = options.only or [*SCENARIOS, *({} if options.quick else LONG)]
    say(f"seed {options.seed}\n\n{HEAD}")
    signal.signal(signal.SIGALRM, too_long)
    folder = Path(tempfile.mkdtemp(prefix="handoff-faults-")).resolve()
    stock = Control(folder / "control", rounds=5 if options.quick else 20)
    stock.start()
    pythonpath = checkout(folder / "checkout")
    results = []
    for name in chosen:
        results.append(play(name, folder, pythonpath, options.seed, quick=options.quick))
        show(results[-1])
    stock.join()
    results.append(ScenarioResult.of_control(stock.findings))
    show(results[-1])
    good = not any(result.faults for result in results)
    if good:
        shutil.rmtree(folder)
    else:
        say(f"Logs, client's ledgers and effects are in {folder}")
    say(json.dumps(summary(results[:-1], results[-1].findings)))
    return 0 if good else 1


def summary(results: list[ScenarioResult], stock: Findings) -> dict[str, int | float]:
    return {
        "accepted": sum(result.findings.accepted for result in results),
        "executed": sum(result.findings.executed for result in results),
        "lost": sum(len(result.findings.lost) for result in results),
        "duplicate_effects": sum(len(result.findings.duplicates) for result in results),
        "repeated_requests": sum(result.findings.repeated for result in results),
        "kills": sum(result.kills for result in results),
        "recovery_p99_s": round(percentile([s for result in results for s in result.recoveries], 0.99), 2),
        "control_lost": len(stock.lost),
    }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults")
    parser.add_argument("--quick", action="store_true", help="five minutes at most, on two cores")
    parser.add_argument("--seed", default=secrets.token_hex(4), help="chooses victims and moments; printed")
    parser.add_argument("--only", action="append", choices=[*SCENARIOS, *LONG], help="play these alone")
    return parser.parse_args()


def too_long(*_: object) -> None:
    raise TookTooLong(f"not over after {LIMIT_SECONDS} s")


if __name__ == "__main__":
    sys.exit(main())
