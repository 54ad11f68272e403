"""FastAPI + arq, awaited in the endpoint."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from arq import create_pool
from arq.connections import RedisSettings
from fastapi import FastAPI

from bench.peers.message import Push

settings = RedisSettings.from_dsn(os.environ["BENCH_REDIS_URL"])


async def send(_: dict[str, Any], token: str, title: str, body: str) -> str:
    return token


class WorkerSettings:
    """`max_jobs`: jobs at once; arq's documentation speaks of hundreds, its default is 10."""

    functions = [send]  # noqa: RUF012  # arq's own way to be configured
    redis_settings = settings
    max_jobs = 100
    log_results = False


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.queue = await create_pool(settings)
    yield
    await app.state.queue.aclose()


app = FastAPI(lifespan=lifespan)


@app.post("/push")
async def notify(push: Push) -> dict[str, str]:
    await app.state.queue.enqueue_job("send", push.token, push.title, push.body)
    return {"message": "Notification sent"}


async def fill(tasks: int) -> None:
    queue = await create_pool(settings)
    for number in range(tasks):
        await queue.enqueue_job("send", f"device-{number}", "title", "body")
    await queue.aclose()
