"""/push/{device_token}: the tutorial's call, which sends a notification to one device."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from handoff_api.options import idempotency_key
from handoff_api.payload_validator import PayloadValidator
from handoff_api.request_state import ApiRequest
from handoff_api.submit import submit_task
from handoff_api.views import PushAccepted
from handoff_contracts import CATALOGUE
from handoff_ledger import Submission

PUSH = PayloadValidator(CATALOGUE["push.send"])
Token = Annotated[str, Path(description="The device's token. Percent-encode it.")]
Title = Annotated[str | None, Query(description="The title of the notification.")]
Body = Annotated[str | None, Query(description="The text of the notification.")]


async def push(device_token: Token, request: ApiRequest, title: Title = None, body: Body = None) -> PushAccepted:
    """Submits a `push.send` task with the default provider. `POST /v1/tasks/push.send` has all options."""
    request.state["redis_health"].check_accepting()
    payload = PUSH.check({"token": device_token, "title": title, "body": body})
    contract, key = PUSH.contract, idempotency_key(request)
    submission = Submission(
        contract=contract,
        payload=PUSH.stored_json(payload),
        queue=contract.queue.name,
        client=request.state["client"],
        key=key,
        canonical=PUSH.canonical_json(payload) if key else b"",
    )
    task = await submit_task(request.state, submission)
    return PushAccepted(id=task.id)


def router(*, development: bool) -> APIRouter:
    """Return the POST route, and in development also a GET route, which works in a browser's address bar."""
    routes = APIRouter(tags=["push"])
    summary = "Send a notification to a device"
    path = "/push/{device_token:path}"  # `:path`, because a token can contain a slash and a proxy can decode %2F
    routes.add_api_route(
        path, push, methods=["POST"], status_code=202, summary=summary, response_description="The task"
    )
    if development:
        routes.add_api_route(
            path, push, methods=["GET"], summary=f"{summary} (development only)", response_description="The task"
        )
    return routes
