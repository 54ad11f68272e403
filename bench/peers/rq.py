"""FastAPI + rq: rq blocks, so it is called in FastAPI's thread pool."""

import os

from fastapi import FastAPI
from redis import Redis
from rq import Queue

from bench.peers.message import Push

queue = Queue(connection=Redis.from_url(os.environ["BENCH_REDIS_URL"]))
app = FastAPI()


def send(token: str, title: str, body: str) -> str:
    return token


@app.post("/push")
def notify(push: Push) -> dict[str, str]:
    queue.enqueue("bench.peers.rq.send", push.token, push.title, push.body)
    return {"message": "Notification sent"}


def fill(tasks: int) -> None:
    for number in range(tasks):
        queue.enqueue("bench.peers.rq.send", f"device-{number}", "title", "body")
