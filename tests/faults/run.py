"""The fault suite: kills, stops, starves and poisons a stack of real processes, and holds it to its promise.

A scenario mixes the operations of `operations/`. Its checker rests on two files outside Handoff: what the client asked
for and was told (`book.py`), and what was done (`sink.py`). Printed are a table and, as the last line, one JSON object:

accepted            items that were answered by 202
executed            of those and the unknown ones, items that had an effect
lost                accepted, and without effect when nothing was open any more; has to be 0
duplicate_effects   items of an idempotency key with more than one effect, as a provider sees it that takes an
                    idempotency key itself (here: the task); has to be 0
repeated_requests   requests sent again for the same task, because a kill fell between a request and its recording; at
                    most what was in flight at the kills
kills               processes killed
recovery_p99_s      from a worker's death, another living, to its tasks running again
control_lost        what stock Celery lost under the same checker; has to be more than 0, or this suite proves nothing
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
from tests.faults.verdict import HEAD, HandlerError, judge, percentile

LIMIT_SECONDS = 1500  # of one scenario; what takes longer hangs
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


def play(name: str, folder: Path, pythonpath: str, seed: str, *, quick: bool) -> HandlerError:
    """Plays one scenario in a folder of its own."""
    began = time.monotonic()
    scenario = (SCENARIOS | LONG)[name]
    random = Random(f"{seed} {name}")  # noqa: S311  # it chooses victims
    scene = Scene(folder / name.replace(" ", "-"), pythonpath, random)
    signal.alarm(LIMIT_SECONDS)
    try:
        with scene:
            scenario(scene, quick=quick)
            verdict = judge(name, scene)
    except Exception as error:  # what goes wrong in one scenario is its verdict; the others are played all the same
        verdict = HandlerError(name, NOTHING, faults=[*scene.faults, f"{type(error).__name__}: {error}"])
    finally:
        signal.alarm(0)
    verdict.seconds = time.monotonic() - began
    return verdict


def show(verdict: HandlerError) -> None:
    say(verdict.row())
    for fault in verdict.faults:
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
    verdicts = []
    for name in chosen:
        verdicts.append(play(name, folder, pythonpath, options.seed, quick=options.quick))
        show(verdicts[-1])
    stock.join()
    verdicts.append(HandlerError.of_control(stock.findings))
    show(verdicts[-1])
    good = not any(verdict.faults for verdict in verdicts)
    if good:
        shutil.rmtree(folder)
    else:
        say(f"Logs, client's ledgers and effects are in {folder}")
    say(json.dumps(summary(verdicts[:-1], verdicts[-1].findings)))
    return 0 if good else 1


def summary(verdicts: list[HandlerError], stock: Findings) -> dict[str, int | float]:
    return {
        "accepted": sum(verdict.findings.accepted for verdict in verdicts),
        "executed": sum(verdict.findings.executed for verdict in verdicts),
        "lost": sum(len(verdict.findings.lost) for verdict in verdicts),
        "duplicate_effects": sum(len(verdict.findings.duplicates) for verdict in verdicts),
        "repeated_requests": sum(verdict.findings.repeated for verdict in verdicts),
        "kills": sum(verdict.kills for verdict in verdicts),
        "recovery_p99_s": round(percentile([s for verdict in verdicts for s in verdict.recoveries], 0.99), 2),
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
