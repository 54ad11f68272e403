"""The tutorial's design: an `async` endpoint that calls Celery's blocking `.delay()`."""

import os

from celery import Celery
from fastapi import FastAPI

from bench.peers.message import Push

url = os.environ["BENCH_REDIS_URL"]
celery = Celery("bench.peers.celery", broker=url, backend=os.environ["BENCH_RESULTS_URL"])
app = FastAPI()


@celery.task
def send(token: str, title: str, body: str) -> str:
    return token


@app.post("/push")
async def notify(push: Push) -> dict[str, str]:
    send.delay(push.token, push.title, push.body)
    return {"message": "Notification sent"}


def fill(tasks: int) -> None:
    for number in range(tasks):
        send.delay(f"device-{number}", "title", "body")
