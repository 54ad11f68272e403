"""The upper limit: a FastAPI route that parses the body and does nothing."""

from fastapi import FastAPI

from bench.peers.message import Push

app = FastAPI()


@app.post("/push")
async def notify(push: Push) -> dict[str, str]:
    return {"message": "Notification sent", "token": push.token}
