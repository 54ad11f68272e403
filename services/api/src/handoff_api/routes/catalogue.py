"""What can be done: contracts and queues."""

from dataclasses import asdict

from fastapi import APIRouter

from handoff_api.request_state import ApiRequest
from handoff_api.views import ContractView, Page
from handoff_contracts import CATALOGUE
from handoff_contracts.catalogue import AnyContract
from handoff_ledger import QueueState
from handoff_ledger.calls import queues

router = APIRouter(tags=["catalogue"])


def view(contract: AnyContract) -> ContractView:
    return ContractView(
        name=contract.name,
        version=contract.version,
        summary=contract.summary,
        queue=contract.queue.name,
        policy=asdict(contract.policy),
        payload=contract.payload.model_json_schema(),
        result=contract.result.model_json_schema(mode="serialization"),
    )


CONTRACTS: Page[ContractView] = Page(items=[view(contract) for contract in CATALOGUE])


@router.get("/v1/contracts", summary="List the contracts")
async def list_contracts() -> Page[ContractView]:
    return CONTRACTS


@router.get("/v1/queues", summary="List the queues: depth, oldest age, whether a worker serves them")
async def list_queues(request: ApiRequest) -> Page[QueueState]:
    return Page(items=await request.state["ledger"].run(queues()))
