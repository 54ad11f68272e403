"""Slow clients and a slow Redis: others are served, answers stay within their bound, nothing piles up."""

import time

from tests.faults.drain import page
from tests.faults.load import mixed
from tests.faults.operations.slow_clients import slow_clients
from tests.faults.operations.slow_redis import slow_redis
from tests.faults.scene import Scene

CLIENTS = 500
TWICE = 2.0
NOISE_S = 0.05


def clients(scene: Scene, *, quick: bool) -> None:
    usual = answer_time(scene)
    with slow_clients(scene, CLIENTS):
        beside = answer_time(scene)
    scene.notes.append(f"p99 {usual * 1000:.0f} ms, beside {CLIENTS} slow clients {beside * 1000:.0f} ms")
    scene.expect(beside <= TWICE * usual + NOISE_S, f"others' p99 went from {usual:.3f} to {beside:.3f} s")


def redis(scene: Scene, *, quick: bool) -> None:
    slow_redis(scene, 0.5)
    load = scene.load(mixed("slow", 300 if quick else 2_000, scene.random), threads=16, ahead=200)
    load.finish()


def answer_time(scene: Scene) -> float:
    seconds = []
    for _ in range(300):
        began = time.monotonic()
        page(scene, "/v1/queues")
        seconds.append(time.monotonic() - began)
    return sorted(seconds)[int(len(seconds) * 0.99)]
