"""Handlers of the suite's contracts. What they do is a line in the file that FAULTS_SINK names; see sink.py."""

import asyncio
import ctypes
import os
import resource
import signal
import time

from celery import current_task

from handoff_worker.binding import handles
from handoff_worker.resources import Resources
from tests.faults.lab.contracts import BLOCK, EFFECT, HANG, HOG, SEGFAULT, SPIN, Order, Receipt

SINK = os.open(os.environ["FAULTS_SINK"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
HOG_BYTES = 256 << 20


def note(what: str, order: Order) -> None:
    """One write with O_APPEND: lines of several processes never mix. The clock is the machine's, not a skewed one."""
    line = f"{what} {order.token} {current_task.request.id} {os.getpid()} {time.monotonic():.4f}\n"
    os.write(SINK, line.encode())


@handles(EFFECT)
async def effect(order: Order, _: Resources) -> Receipt:
    note("began", order)
    await asyncio.sleep(order.seconds)
    note("effect", order)
    return Receipt(token=order.token)


@handles(BLOCK)
def block(order: Order, _: Resources) -> Receipt:
    note("began", order)
    time.sleep(order.seconds)
    note("effect", order)
    return Receipt(token=order.token)


@handles(SEGFAULT)
async def segfault(order: Order, _: Resources) -> Receipt:
    note("began", order)
    ctypes.string_at(0)
    return Receipt(token=order.token)


@handles(HOG)
def hog(order: Order, _: Resources) -> Receipt:
    """The limit stands for a container's; the kernel's answer to it is a SIGKILL."""
    note("began", order)
    size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()  # noqa: PTH123, SIM115
    resource.setrlimit(resource.RLIMIT_AS, (size + HOG_BYTES, resource.RLIM_INFINITY))
    taken = []
    try:
        while True:
            taken.append(bytearray(1 << 20))
    except MemoryError:
        os.kill(os.getpid(), signal.SIGKILL)
    return Receipt(token=order.token)


@handles(HANG)
async def hang(order: Order, _: Resources) -> Receipt:
    note("began", order)
    while True:
        pass


@handles(SPIN)
def spin(order: Order, _: Resources) -> Receipt:
    note("began", order)
    while True:
        pass
