"""Handlers of the lab's contracts."""

import asyncio
import os
import signal
import time
from pathlib import Path

from handoff_worker.binding import handles
from handoff_worker.resources import Resources
from tests.integration.worker.lab.contracts import ACT, BLOCK, DIE, SPIN, WAIT, Job, Report


def note(job: Job, what: str) -> None:
    with Path(job.effects).open("a") as effects:
        effects.write(f"{what} {job.name} {os.getpid()}\n")


@handles(WAIT)
async def wait(job: Job, _: Resources) -> Report:
    note(job, "began")
    await asyncio.sleep(job.seconds)
    note(job, "ended")
    return Report(name=job.name)


@handles(BLOCK)
def block(job: Job, _: Resources) -> Report:
    note(job, "began")
    time.sleep(job.seconds)
    note(job, "ended")
    return Report(name=job.name)


@handles(SPIN)
def spin(job: Job, _: Resources) -> Report:
    note(job, "began")
    while True:
        pass


@handles(DIE)
async def die(job: Job, _: Resources) -> Report:
    note(job, "began")
    os.kill(os.getpid(), signal.SIGKILL)
    return Report(name=job.name)


@handles(ACT)
def act(job: Job, _: Resources) -> Report:
    note(job, "began")
    if job.name == "raise":
        raise RuntimeError
    if job.name == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(job.seconds)
    note(job, "ended")
    return Report(name=job.name)
