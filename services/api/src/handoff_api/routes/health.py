"""/livez, /readyz and /metrics, for the platform and not for clients."""

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import JSONResponse, Response

from handoff_api.metrics import LedgerMetrics, render, totals
from handoff_api.request_state import ApiRequest
from handoff_ledger import LedgerUnavailable
from handoff_ledger.calls import holds, queues

router = APIRouter(include_in_schema=False)
OK = {"status": "ok"}


@router.get("/livez")
async def livez() -> JSONResponse:
    """Answers 200 while the process serves requests."""
    return JSONResponse(OK)


@router.get("/readyz")
async def readyz(request: ApiRequest) -> JSONResponse:
    """Answers 200 when the last probe of Redis succeeded, 503 otherwise."""
    request.state["redis_health"].check_ready()
    return JSONResponse(OK)


@router.get("/metrics")
async def metrics(request: ApiRequest) -> Response:
    ledger, memory = request.state["ledger"], request.state["redis_health"].memory_ratio
    try:
        snapshot, waiting = await ledger.run(totals()), await ledger.run(queues())
        held = await ledger.run(holds())
    except LedgerUnavailable:
        return Response(render(LedgerMetrics(None, [], memory)), media_type=CONTENT_TYPE_LATEST)
    return Response(render(LedgerMetrics(snapshot, waiting, memory, held)), media_type=CONTENT_TYPE_LATEST)
