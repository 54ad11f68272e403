"""CONTRIBUTING.md is right: a contract and a handler in two files, and the task runs through the HTTP API."""

import re
from pathlib import Path

import httpx2

from process import wait_until
from stack import ROOT, Stack
from tests.acceptance.checkout import Checkout

STEP = re.compile(r"^\*\*\d\. [^*]+\*\*: `(?P<file>[^`]+)`\n\n```python\n(?P<code>.*?)```", re.MULTILINE | re.DOTALL)


def add(folder: Path) -> None:
    """Writes the two files that CONTRIBUTING.md shows."""
    (contract, what), (handler, how) = STEP.findall((ROOT / "CONTRIBUTING.md").read_text())
    (folder / contract).write_text(what)
    (folder / handler).write_text(how)


def test_two_files_are_a_task(checkout: Checkout, tmp_path: Path) -> None:
    add(checkout.folder)
    settings = {"PYTHONPATH": checkout.env["PYTHONPATH"]}
    with (
        Stack(tmp_path / "stack", settings=settings) as stack,
        httpx2.Client(base_url=stack.api.url, trust_env=False, timeout=30) as client,
    ):
        answer = client.post("/v1/tasks/invoice.send", json={"number": 7, "to": "a@example.com"})
        assert answer.status_code == 202
        task = answer.headers["Location"]
        assert wait_until(lambda: client.get(task).json()["state"] == "succeeded", 30), client.get(task).text
        assert client.get(task).json()["result"] == {"message_id": "7 to a@example.com"}

        failed = client.post("/v1/tasks/invoice.send", json={"number": 8, "to": "nobody"}).headers["Location"]
        assert wait_until(lambda: client.get(failed).json()["state"] == "failed", 30), client.get(failed).text
        assert client.get(failed).json()["error"]["code"] == "no_such_customer"

        body = {"common": {"to": "b@example.com"}, "items": [{"number": number} for number in range(3)]}
        answer = client.post("/v1/batches/invoice.send", json=body)
        assert answer.status_code == 202
        batch = answer.headers["Location"]
        assert wait_until(lambda: client.get(batch).json()["counts"]["succeeded"] == 3, 30), client.get(batch).text

        refused = client.post("/v1/tasks/invoice.send", json={"number": "seven", "to": "a@example.com"})
        assert refused.status_code == 422

        assert "invoice.send" in client.get("/v1/contracts").text
        document = client.get("/openapi.json").json()
        assert {"/v1/tasks/invoice.send", "/v1/batches/invoice.send"} <= document["paths"].keys()
        assert set(document["components"]["schemas"]["Invoice"]["required"]) == {"number", "to"}
