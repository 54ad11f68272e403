"""FastAPI + taskiq, awaited in the endpoint; of its Redis brokers the fastest, a list, and its result backend."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from taskiq_redis import ListQueueBroker, RedisAsyncResultBackend

from bench.peers.message import Push

results = RedisAsyncResultBackend(os.environ["BENCH_RESULTS_URL"], result_ex_time=3600)
broker = ListQueueBroker(os.environ["BENCH_REDIS_URL"]).with_result_backend(results)


@broker.task
async def send(token: str, title: str, body: str) -> str:
    return token


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    await broker.startup()
    yield
    await broker.shutdown()


app = FastAPI(lifespan=lifespan)


@app.post("/push")
async def notify(push: Push) -> dict[str, str]:
    await send.kiq(push.token, push.title, push.body)
    return {"message": "Notification sent"}


async def fill(tasks: int) -> None:
    await broker.startup()
    for number in range(tasks):
        await send.kiq(f"device-{number}", "title", "body")
    await broker.shutdown()
