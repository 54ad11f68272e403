"""Bodies: read up to a limit, and only as JSON."""

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from typing import Any

from jiter import from_json
from starlette.requests import ClientDisconnect

from handoff_api.problems import BODY_TOO_LARGE, INVALID_JSON, UNSUPPORTED_MEDIA_TYPE, Problem
from handoff_api.request_state import ApiRequest

BYTE_ORDER_MARKS = (BOM_UTF8, BOM_UTF16_LE, BOM_UTF16_BE)


async def read(request: ApiRequest, limit: int) -> bytes:
    """The body of a JSON request of at most `limit` bytes. One that says that it is longer is refused unread."""
    headers = request.state["headers"]
    if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json":
        raise Problem(UNSUPPORTED_MEDIA_TYPE)
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise Problem(UNSUPPORTED_MEDIA_TYPE)
    if headers.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
        raise Problem(UNSUPPORTED_MEDIA_TYPE)
    if int(headers.get(b"content-length", 0)) > limit:
        raise _too_large(limit)
    chunks, size, more = [], 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise _too_large(limit)
        more = message.get("more_body", False)
    return b"".join(chunks)


def parse(body: bytes) -> Any:
    """The JSON in a body as RFC 8259 and I-JSON (RFC 7493) have it: UTF-8 without a byte order mark, no key twice in an
    object, no NaN, no Infinity; at most 200 levels deep, and 4,300 digits a whole number.
    """
    try:
        return from_json(body, allow_inf_nan=False, catch_duplicate_keys=True, cache_mode="keys")
    except ValueError as error:
        raise Problem(INVALID_JSON, f"The body is not valid JSON: {_reason(body, str(error))}.") from None


def _reason(body: bytes, message: str) -> str:
    if body.startswith(BYTE_ORDER_MARKS):
        return "it begins with a byte order mark"
    if message.startswith("Detected duplicate key"):  # goes on with the key, which is the client's
        return f"an object has a key twice at{message.rpartition(' at')[2]}"
    return message


def _too_large(limit: int) -> Problem:
    return Problem(BODY_TOO_LARGE, f"The body may have {limit} bytes at most.")
