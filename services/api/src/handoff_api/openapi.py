"""The OpenAPI document: FastAPI's document, completed with the contracts, the keys and the problem documents."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from handoff_api.auth import GUARDED
from handoff_api.batch_packing import BatchRequest
from handoff_api.options import MAX_WAIT_SECONDS, BatchOptions, TaskOptions
from handoff_api.redrive import RedriveRequest
from handoff_api.views import ProblemView
from handoff_contracts import CATALOGUE

Json = dict[str, Any]
REFS = "#/components/schemas/{model}"
DESCRIPTION = (
    "Hand the work off, answer now: submit a task or a batch, and get an answer in milliseconds, while workers do the"
    " work. Authorize with an API key to try the calls on this page."
)
TAGS = [
    {"name": "tasks", "description": "Submit, read, list, follow and cancel single tasks."},
    {"name": "batches", "description": "Submit, read, follow and cancel batches, and list their items."},
    {"name": "dead letters", "description": "Queue tasks again that are `dead` or `failed`, and read the action log."},
    {"name": "push", "description": "Send a notification to one device."},
    {"name": "recipients", "description": "Recipients that providers report as gone."},
    {"name": "catalogue", "description": "The contracts and the queues."},
]
KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "A key that makes it safe to repeat the request: the repetition returns the first task or batch.",
}
PREFER = {
    "name": "Prefer",
    "in": "header",
    "schema": {"type": "string"},
    "description": f"`wait=N` waits up to N seconds for the end of the task, at most {MAX_WAIT_SECONDS}.",
}


def build_document(app: FastAPI, version: str) -> Json:
    """Return the OpenAPI document of the app's routes."""
    api = get_openapi(title="Handoff", version=version, description=DESCRIPTION, routes=app.routes, tags=TAGS)
    payloads = [contract.payload for contract in CATALOGUE]
    models: list[type[BaseModel]] = [*payloads, BatchRequest, RedriveRequest, ProblemView]
    refs, schemas = models_json_schema([(model, "validation") for model in models], ref_template=REFS)
    known = {model: ref for (model, _), ref in refs.items()}
    api["components"]["schemas"] |= schemas["$defs"]
    api["components"]["securitySchemes"] = {"HTTPBearer": {"type": "http", "scheme": "bearer"}}
    problem = {"description": "An error", "content": {"application/problem+json": {"schema": known[ProblemView]}}}
    for path, operation in _operations(api):
        operation["responses"].pop("422", None)
        operation["responses"]["default"] = problem
        if path.startswith(GUARDED):
            operation["security"] = [{"HTTPBearer": []}]
    for contract in CATALOGUE:
        task, batch = (api["paths"][f"/v1/{kind}/{contract.name}"]["post"] for kind in ("tasks", "batches"))
        task |= {"requestBody": _body(known[contract.payload]), "parameters": [*_parameters(TaskOptions), KEY, PREFER]}
        batch |= {"requestBody": _body(known[BatchRequest]), "parameters": [*_parameters(BatchOptions), KEY]}
    api["paths"]["/v1/redrive"]["post"]["requestBody"] = _body(known[RedriveRequest])
    for unused in ("HTTPValidationError", "ValidationError"):
        api["components"]["schemas"].pop(unused, None)
    return api


def _operations(api: Json) -> Iterator[tuple[str, Json]]:
    for path, methods in api["paths"].items():
        for operation in methods.values():
            yield path, operation


def _body(schema: Json) -> Json:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _parameters(options: type[BaseModel]) -> Iterator[Json]:
    schema = options.model_json_schema(ref_template=REFS)
    for name, field in schema["properties"].items():
        description = field.pop("description")
        if name == "priority":
            field["anyOf"] = [schema["$defs"]["Priority"], {"type": "null"}]
        yield {"name": name, "in": "query", "schema": field, "description": description}
