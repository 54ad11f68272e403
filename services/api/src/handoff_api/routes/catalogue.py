"""/v1/contracts and /v1/queues: what clients can submit, and where tasks wait."""

from dataclasses import asdict

from fastapi import APIRouter

from handoff_api.request_state import ApiRequest
from handoff_api.views import ContractView, Page
from handoff_contracts import CATALOGUE
from handoff_contracts.catalogue import AnyContract
from handoff_ledger import QueueState
from handoff_ledger.calls import queues

router = APIRouter(tags=["catalogue"])


def contract_view(contract: AnyContract) -> ContractView:
    return ContractView(
        name=contract.name,
        version=contract.version,
        summary=contract.summary,
        queue=contract.queue.name,
        policy=asdict(contract.policy),
        payload=contract.payload.model_json_schema(),
        result=contract.result.model_json_schema(mode="serialization"),
    )


CONTRACTS: Page[ContractView] = Page(items=[contract_view(contract) for contract in CATALOGUE])


@router.get("/v1/contracts", summary="List the contracts", response_description="All contracts")
async def list_contracts() -> Page[ContractView]:
    """Lists every kind of task with the JSON schemas of its payload and result."""
    return CONTRACTS


@router.get("/v1/queues", summary="List the queues", response_description="All queues")
async def list_queues(request: ApiRequest) -> Page[QueueState]:
    """Lists how many tasks wait in each queue, for how long, and whether a worker serves the queue."""
    return Page(items=await request.state["ledger"].run(queues()))
