"""The OpenAPI document contains every contract, and describes every operation, parameter and field."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import BaseModel

from handoff_api.app import create_app
from handoff_api.settings import Settings
from handoff_common.settings import SharedSettings
from handoff_contracts import CATALOGUE
from handoff_ledger import Batch, Task

Json = dict[str, Any]


@pytest.fixture
def api(client: TestClient) -> Json:
    document: Json = client.get("/openapi.json").json()
    return document


def resolve(api: Json, schema: Json) -> Json:
    found: Json = api["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


@pytest.mark.parametrize("contract", list(CATALOGUE), ids=lambda contract: contract.name)
def test_a_contract_has_routes_with_its_payload(api: Json, contract: Any) -> None:
    task = api["paths"][f"/v1/tasks/{contract.name}"]["post"]
    payload = resolve(api, task["requestBody"]["content"]["application/json"]["schema"])
    assert payload["properties"].keys() == contract.payload.model_fields.keys()
    assert payload["additionalProperties"] is False
    names = {parameter["name"] for parameter in task["parameters"]}
    assert names == {"priority", "delay", "run_at", "expires_in", "Idempotency-Key", "Prefer"}
    assert resolve(api, task["responses"]["202"]["content"]["application/json"]["schema"])["title"] == "TaskView"
    batch = api["paths"][f"/v1/batches/{contract.name}"]["post"]
    envelope = resolve(api, batch["requestBody"]["content"]["application/json"]["schema"])
    assert envelope["properties"].keys() == {"common", "items"}


def test_every_reference_has_a_target(api: Json) -> None:
    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if "$ref" in node else []
            return own + [ref for value in node.values() for ref in references(value)]
        return [ref for value in node for ref in references(value)] if isinstance(node, list) else []

    found = references(api)
    assert found
    for reference in found:
        assert reference.removeprefix("#/components/schemas/") in api["components"]["schemas"], reference


def test_every_operation_documents_the_bearer_key(api: Json) -> None:
    assert api["components"]["securitySchemes"]["HTTPBearer"] == {"type": "http", "scheme": "bearer"}
    for path, methods in api["paths"].items():
        for operation in methods.values():
            assert operation["security"] == [{"HTTPBearer": []}], path
            assert "application/problem+json" in operation["responses"]["default"]["content"]
            assert "422" not in operation["responses"]


def test_every_operation_parameter_and_answer_is_described(api: Json) -> None:
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            assert operation["description"], (method, path)
            for parameter in operation.get("parameters", []):
                assert parameter["description"], (method, path, parameter["name"])
            for status, response in operation["responses"].items():
                assert response["description"] != "Successful Response", (method, path, status)


def test_every_field_of_the_api_is_described() -> None:
    def models(root: type[BaseModel]) -> set[type[BaseModel]]:
        return {root, *(inner for each in root.__subclasses__() for inner in models(each))}

    own = {model for model in models(BaseModel) if model.__module__.startswith("handoff_api.")}
    assert len(own) > 15
    for model in own:
        inherited = {name for base in (Task, Batch) if issubclass(model, base) for name in base.model_fields}
        for name, field in model.model_fields.items():
            assert field.description or name in inherited | SharedSettings.model_fields.keys(), (model.__name__, name)


def test_production_shows_no_documentation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDOFF_ENV", "production")
    with TestClient(create_app(Settings())) as client:
        for path in ("/docs", "/redoc", "/openapi.json"):
            assert client.get(path).status_code == 404


def test_only_development_pushes_by_get(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/push/a").status_code == 503  # known, but Redis is away
    monkeypatch.setenv("HANDOFF_ENV", "production")
    with TestClient(create_app(Settings()), headers=dict(client.headers)) as production:
        assert production.get("/push/a").status_code == 405
        assert production.post("/push/a").status_code == 503
