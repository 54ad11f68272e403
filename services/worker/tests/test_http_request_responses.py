"""What an response means: one row a case."""

import pytest

from handoff_contracts.tasks.http_request import HttpRequest
from handoff_worker.delivery.responses import Category
from handoff_worker.providers.http_request.responses import Received, categorize_http_reply, retry_after

NOW = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 GMT
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


def received(status: int, broken: str = "", **headers: str) -> Received:
    return Received(status, headers, b"", truncated=bool(broken), broken=broken)


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
def test_an_answer_that_broke_off_is_asked_for_again_where_that_changes_nothing(
    fields: dict[str, object], category: Category
) -> None:
    assert categorize_http_reply(request(**fields), received(200, "connection_lost")).category is category


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("0", 1.0),
        ("Fri, 15 Jan 2027 08:02:00 GMT", 120.0),
        ("Friday, 15-Jan-27 08:02:00 GMT", 120.0),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 1.0),  # the past
        ("999999999", 3600.0),
        ("9" * 5000, 3600.0),
        ("Fri, 15 Jan 2127 08:00:00 GMT", 3600.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("١٢", None),
        ("Fri, 99 Jan 2027 08:02:00 GMT", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after(text, NOW) == seconds


def test_a_server_error_may_say_when() -> None:
    response = categorize_http_reply(request(), received(503, **{"retry-after": "30"}))
    assert (response.retry_after, response.throttled) == (30.0, False)
