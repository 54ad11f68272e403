"""The documentation page in development: complete without the internet, and absent in production."""

import re
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient

from handoff_api.app import create_app
from handoff_api.settings import Settings

REFERENCE = re.compile(r"""(?:src|href|url)\s*[=:]\s*['"]([^'"]+)['"]""")


def test_the_root_redirects_to_the_page(client: TestClient) -> None:
    answer = client.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (307, "/docs")
    assert client.get("/").headers["Content-Type"].startswith("text/html")


def test_the_page_refers_to_no_other_host(client: TestClient) -> None:
    page = client.get("/docs").text
    assert re.findall(r"https?:|(?<![:\w])//\w", page) == []
    references = REFERENCE.findall(page)
    assert len(references) == 4
    for reference in references:
        assert urlsplit(reference).netloc == ""
        assert client.get(reference).status_code == 200, reference


def test_the_style_sheet_refers_to_no_other_host(client: TestClient) -> None:
    style = client.get("/docs/assets/swagger-ui.css")
    assert style.headers["Content-Type"].startswith("text/css")
    assert "@import" not in style.text
    assert all(url.startswith("data:") for url in re.findall(r"url\(['\"]?([^)'\"]*)", style.text))


def test_the_page_asks_no_online_validator(client: TestClient) -> None:
    assert '"validatorUrl": null' in client.get("/docs").text


def test_the_page_needs_no_key(client: TestClient) -> None:
    del client.headers["Authorization"]
    for path in ("/", "/docs", "/openapi.json", "/docs/assets/swagger-ui-bundle.js"):
        assert client.get(path).status_code == 200, path


@pytest.mark.parametrize("name", ["no-such.js", "..%2f..%2f__init__.py", "redoc.standalone.js"])
def test_only_the_files_of_the_page_are_served(client: TestClient, name: str) -> None:
    answer = client.get(f"/docs/assets/{name}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_production_has_no_page_and_needs_no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDOFF_ENV", "production")
    monkeypatch.setattr("handoff_api.routes.docs.PACKAGE", "not_installed")
    with TestClient(create_app(Settings())) as client:
        for path in ("/", "/docs", "/openapi.json", "/docs/assets/swagger-ui.css"):
            answer = client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
