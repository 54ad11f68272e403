"""The response for each reply of a server: one row a case."""

import pytest

from handoff_contracts.tasks.http_request import HttpRequest
from handoff_worker.delivery.responses import Category
from handoff_worker.providers.http_request.responses import ReceivedReply, categorize_http_reply

D, R, P, G, U = (
    *(Category.DELIVERED, Category.RETRY, Category.PAYLOAD_REJECTED),
    *(Category.RECIPIENT_GONE, Category.UNKNOWN),
)
TABLE = [
    *[(status, {}, D) for status in (200, 201, 202, 204, 299)],
    *[(status, {}, P) for status in (101, 301, 302, 304, 400, 401, 403, 404, 405, 409, 410, 413, 422, 451)],
    *[(status, {}, R) for status in (408, 425, 429, 500, 502, 503, 504, 520, 599, 999)],
    *[(status, {}, P) for status in (501, 505, 510)],
    *[(status, {"expect": [404, 503]}, D) for status in (404, 503)],
    *[(status, {"expect": [404]}, P) for status in (200, 204, 410)],
    (500, {"expect": [404]}, R),
    (410, {"webhook": "shop", "method": "POST"}, G),
    (404, {"webhook": "shop", "method": "POST"}, P),
]


def received(status: int, broken: str = "", **headers: str) -> ReceivedReply:
    return ReceivedReply(status, headers, b"", truncated=bool(broken), broken=broken)


def request(**fields: object) -> HttpRequest:
    return HttpRequest.model_validate({"url": "https://api.example/", **fields})


@pytest.mark.parametrize(("status", "fields", "category"), TABLE)
def test_a_status_has_a_category(status: int, fields: dict[str, object], category: Category) -> None:
    response = categorize_http_reply(request(**fields), received(status))
    assert response.category is category
    assert response.throttled is (status == 429)
    assert response.retry_after == (60.0 if status == 429 else None)
    if category is not D:
        assert response.reason == f"status_{status}"


@pytest.mark.parametrize(
    ("fields", "category"),
    [
        ({"method": "GET"}, R),
        ({"method": "PUT"}, R),
        ({"method": "GET", "unknown": "give_up"}, U),
        ({"method": "POST"}, D),  # it was done: its status says so
        ({"method": "POST", "unknown": "repeat"}, D),
    ],
)
def test_a_broken_reply_is_repeated_if_the_request_changes_nothing(
    fields: dict[str, object], category: Category
) -> None:
    assert categorize_http_reply(request(**fields), received(200, "connection_lost")).category is category


@pytest.mark.parametrize(
    ("text", "seconds"), [("30", 30.0), ("0", 1.0), ("999999999", 3600.0), ("soon", None), ("", None)]
)
def test_a_server_error_may_name_the_wait_within_bounds(text: str, seconds: float | None) -> None:
    response = categorize_http_reply(request(), received(503, **{"retry-after": text}))
    assert (response.retry_after, response.throttled) == (seconds, False)
