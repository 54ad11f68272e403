"""Request bodies: read up to a size limit, parsed as strict JSON."""

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from typing import Any

from jiter import from_json
from starlette.requests import ClientDisconnect

from handoff_api.problems import BODY_TOO_LARGE, INVALID_JSON, UNSUPPORTED_MEDIA_TYPE, Problem
from handoff_api.request_state import ApiRequest

BYTE_ORDER_MARKS = (BOM_UTF8, BOM_UTF16_LE, BOM_UTF16_BE)


async def read_body(request: ApiRequest, limit_bytes: int) -> bytes:
    """Return the body of a JSON request.

    Raises:
        Problem: the body is not JSON, is compressed, or is longer than `limit_bytes`. A larger Content-Length is
            refused before any byte of the body is read.
    """
    headers = request.state["headers"]
    if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json":
        raise Problem(UNSUPPORTED_MEDIA_TYPE)
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise Problem(UNSUPPORTED_MEDIA_TYPE)
    if headers.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
        raise Problem(UNSUPPORTED_MEDIA_TYPE)
    if int(headers.get(b"content-length", 0)) > limit_bytes:
        raise _too_large(limit_bytes)
    chunks, size, more = [], 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit_bytes:
            raise _too_large(limit_bytes)
        more = message.get("more_body", False)
    return b"".join(chunks)


def parse_json(body: bytes) -> Any:
    """Return the value of a JSON body, parsed as RFC 8259 and I-JSON (RFC 7493) define it.

    Raises:
        Problem: the body is not UTF-8, starts with a byte order mark, repeats a key in an object, contains NaN or
            Infinity, nests deeper than 200 levels, or has an integer of more than 4,300 digits.
    """
    try:
        return from_json(body, allow_inf_nan=False, catch_duplicate_keys=True, cache_mode="keys")
    except ValueError as error:
        raise Problem(INVALID_JSON, f"The body is not valid JSON: {_reason(body, str(error))}.") from None


def _reason(body: bytes, message: str) -> str:
    if body.startswith(BYTE_ORDER_MARKS):
        return "it begins with a byte order mark"
    if message.startswith("Detected duplicate key"):  # jiter's message quotes the key, which the client chose
        return f"an object has a key twice at{message.rpartition(' at')[2]}"
    return message


def _too_large(limit_bytes: int) -> Problem:
    return Problem(BODY_TOO_LARGE, f"The body may have {limit_bytes} bytes at most.")
