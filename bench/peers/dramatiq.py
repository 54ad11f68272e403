"""FastAPI + dramatiq: dramatiq blocks, so it is called in FastAPI's thread pool. It keeps no results."""

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from fastapi import FastAPI

from bench.peers.message import Push

dramatiq.set_broker(RedisBroker(url=os.environ["BENCH_REDIS_URL"]))
app = FastAPI()


@dramatiq.actor
def send(token: str, title: str, body: str) -> None:
    pass


@app.post("/push")
def notify(push: Push) -> dict[str, str]:
    send.send(push.token, push.title, push.body)
    return {"message": "Notification sent"}


def fill(tasks: int) -> None:
    for number in range(tasks):
        send.send(f"device-{number}", "title", "body")
