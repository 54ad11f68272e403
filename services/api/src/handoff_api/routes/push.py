"""The tutorial's call: one notification to one device, by a path that holds its token."""

from typing import Annotated

from fastapi import APIRouter, Query

from handoff_api.options import idempotency_key
from handoff_api.payload_validator import Intake
from handoff_api.request_state import ApiRequest
from handoff_api.submit import submit
from handoff_api.views import Sent
from handoff_contracts import CATALOGUE
from handoff_ledger import Submission

PUSH = Intake(CATALOGUE["push.send"])
Text = Annotated[str | None, Query()]


async def push(device_token: str, request: ApiRequest, title: Text = None, body: Text = None) -> Sent:
    request.state["pulse"].admit()
    payload = PUSH.payload({"token": device_token, "title": title, "body": body})
    contract, key = PUSH.contract, idempotency_key(request)
    submission = Submission(
        contract=contract,
        payload=PUSH.stored(payload),
        queue=contract.queue.name,
        client=request.state["client"],
        key=key,
        canonical=PUSH.canonical(payload) if key else b"",
    )
    task = await submit(request.state, submission)
    return Sent(id=task.id)


def router(*, development: bool) -> APIRouter:
    """POST, and in development GET too, so that a browser's address bar will do."""
    routes = APIRouter(tags=["push"])
    summary = "Send a notification to a device"
    path = "/push/{device_token:path}"  # a token may hold a slash; a client escapes it, and a proxy may undo that
    routes.add_api_route(path, push, methods=["POST"], status_code=202, summary=summary)
    if development:
        routes.add_api_route(path, push, methods=["GET"], summary=f"{summary} (development only)")
    return routes
