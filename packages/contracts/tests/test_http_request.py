"""Which payloads `http.request` accepts."""

from typing import Any

import pytest
from pydantic import ValidationError

from handoff_contracts.tasks.http_request import HttpRequest

URL = "https://api.example/v1"
REFUSED: list[dict[str, Any]] = [
    *({"url": url} for url in ("file:///etc/passwd", "gopher://x/", "ftp://x/", "dict://x:11211/", "unix:/run/x")),
    *({"url": url} for url in ("https://user@x/", "https://user:5ecret@x/", "https:", "//x/", "/x", "", "x")),
    {"url": "https://x/" + "y" * 2100},
    {"url": "https://[::1%25lo]/"},
    {"url": URL, "method": "CONNECT"},
    {"url": URL, "method": "TRACE"},
    *(
        {"url": URL, "headers": {name: "x"}}
        for name in ("Host", "host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "TE", "Expect")
    ),
    {"url": URL, "headers": {"Proxy-Authorization": "x"}},
    {"url": URL, "headers": {"A": "x", "a": "y"}},
    {"url": URL, "headers": {"A B": "x"}},
    {"url": URL, "headers": {"": "x"}},
    *({"url": URL, "headers": {"A": value}} for value in ("x\r\nB: y", "x\ny", " x", "x ", "x\0", "é", "x" * 8193)),
    {"url": URL, "headers": {f"x-{number}": "x" for number in range(65)}},
    {"url": URL, "body": "x", "body_json": {}},
    {"url": URL, "body_base64": "no base64"},
    {"url": URL, "timeout": 0},
    {"url": URL, "timeout": 121},
    {"url": URL, "redirects": 11},
    {"url": URL, "expect": [100]},
    {"url": URL, "keep_body": 65_537},
    {"url": URL, "webhook": "shop"},
    {"url": URL, "webhook": "shop", "method": "POST", "redirects": 1},
    {"url": URL, "webhook": "../shop", "method": "POST"},
    {"url": URL, "webhook": "shop", "method": "POST", "headers": {"Webhook-Id": "x"}},
    {"url": URL, "verify": False},
]


@pytest.mark.parametrize("payload", REFUSED)
def test_an_invalid_request_is_refused(payload: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HttpRequest.model_validate(payload)


@pytest.mark.parametrize(
    ("fields", "repeatable"),
    [
        ({}, True),
        ({"method": "PUT"}, True),
        ({"method": "POST"}, False),
        ({"method": "PATCH"}, False),
        ({"method": "POST", "unknown": "repeat"}, True),
        ({"method": "POST", "headers": {"idempotency-KEY": "7"}}, True),
        ({"method": "POST", "webhook": "shop"}, True),
        ({"method": "GET", "unknown": "give_up"}, False),
    ],
)
def test_only_a_harmless_repetition_is_allowed(fields: dict[str, Any], repeatable: bool) -> None:
    assert HttpRequest.model_validate({"url": URL, **fields}).repeatable is repeatable


def test_the_repr_contains_neither_credentials_nor_content() -> None:
    request = HttpRequest.model_validate(
        {"url": URL + "?key=5ecret", "headers": {"Authorization": "5ecret"}, "body": "5ecret", "method": "POST"}
    )
    assert "5ecret" not in repr(request)
