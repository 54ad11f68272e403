"""Slow clients and a slow Redis: others are served, answers stay within their bound, nothing piles up."""

import select
import socket
import time

from process import wait_until
from tests.faults.drain import page
from tests.faults.load import Load
from tests.faults.operations.slow_clients import slow_clients
from tests.faults.operations.slow_redis import SlowRedis
from tests.faults.scenarios.outage import endless, working
from tests.faults.scene import Scene

CLIENTS = 500
TWICE = 2.0
NOISE_SECONDS = 0.02  # a few ms twice are no news

CLOSED_SECONDS = 90.0


def clients(scene: Scene, *, quick: bool) -> None:
    usual = answer_time(scene)
    with slow_clients(scene, CLIENTS) as sockets:
        beside = answer_time(scene)
        if not quick:
            wait_until(lambda: closed(sockets) == CLIENTS, CLOSED_SECONDS)
        scene.notes.append(f"{closed(sockets)} of them closed")
    scene.notes.append(f"p99 {usual * 1000:.0f} ms, beside {CLIENTS} slow clients {beside * 1000:.0f} ms")
    scene.expect(beside <= TWICE * usual + NOISE_SECONDS, f"others' p99 went from {usual:.3f} to {beside:.3f} s")


def closed(sockets: list[socket.socket]) -> int:
    """How many the API has closed."""
    readable, _, _ = select.select(sockets, [], [], 0)
    return len(readable)


def redis(scene: Scene, *, quick: bool) -> None:
    """Half a second: slower, but it works. Three: everything is refused in time. Then as if nothing had been."""
    slow = SlowRedis.before(scene)
    load = scene.load(endless("slow"), threads=16, ahead=200)
    for delay in (0.5, 3.0):
        working(scene)
        slow.delay(delay)
        began = time.monotonic()
        time.sleep(10 if quick else 30)  # how long it is slow
        told(scene, load, f"{delay} s slower", began)
        slow.delay(0)
    back = time.monotonic()
    working(scene)
    scene.notes.append(f"working again after {time.monotonic() - back:.1f} s")
    load.stop()


def told(scene: Scene, load: Load, what: str, began: float) -> None:
    answers = [answer for answer in load.answers if answer.at > began]
    shed = sum(answer.status == 503 for answer in answers)
    scene.notes.append(f"{what}: {len(answers) - shed} accepted, {shed} times 503")


def answer_time(scene: Scene) -> float:
    seconds = []
    for _ in range(1000):
        began = time.monotonic()
        page(scene, "/v1/queues")
        seconds.append(time.monotonic() - began)
    return sorted(seconds)[int(len(seconds) * 0.99)]
