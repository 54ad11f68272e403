"""The OpenAPI document: FastAPI's own, and what the contracts, the keys and the problem documents add to it."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from handoff_api.auth import GUARDED
from handoff_api.batch_packing import Envelope
from handoff_api.options import BatchOptions, TaskOptions
from handoff_api.views import ProblemView
from handoff_contracts import CATALOGUE

Json = dict[str, Any]
REFS = "#/components/schemas/{model}"
KEY = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "minLength": 1, "maxLength": 255}}
PREFER = {
    "name": "Prefer",
    "in": "header",
    "schema": {"type": "string"},
    "description": "`wait=N`: seconds, 30 at most",
}


def document(app: FastAPI, version: str) -> Json:
    """The document of the app's routes."""
    api = get_openapi(title="Handoff", version=version, description="Hand the work off, answer now.", routes=app.routes)
    models: list[type[BaseModel]] = [*(contract.payload for contract in CATALOGUE), Envelope, ProblemView]
    refs, schemas = models_json_schema([(model, "validation") for model in models], ref_template=REFS)
    known = {model: ref for (model, _), ref in refs.items()}
    api["components"]["schemas"] |= schemas["$defs"]
    api["components"]["securitySchemes"] = {"HTTPBearer": {"type": "http", "scheme": "bearer"}}
    problem = {"description": "A problem", "content": {"application/problem+json": {"schema": known[ProblemView]}}}
    for path, operation in _operations(api):
        operation["responses"].pop("422", None)
        operation["responses"]["default"] = problem
        if path.startswith(GUARDED):
            operation["security"] = [{"HTTPBearer": []}]
    for contract in CATALOGUE:
        task, batch = (api["paths"][f"/v1/{kind}/{contract.name}"]["post"] for kind in ("tasks", "batches"))
        task |= {"requestBody": _body(known[contract.payload]), "parameters": [*_parameters(TaskOptions), KEY, PREFER]}
        batch |= {"requestBody": _body(known[Envelope]), "parameters": [*_parameters(BatchOptions), KEY]}
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
        if name == "priority":
            field["anyOf"] = [schema["$defs"]["Priority"], {"type": "null"}]
        yield {"name": name, "in": "query", "schema": field}
