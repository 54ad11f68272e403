"""What the API answers when something is wrong: problem documents (RFC 9457) with a stable `code`."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.responses import Response

from handoff_contracts import UnknownContract
from handoff_ledger import (
    IdempotencyConflict,
    LedgerMisconfigured,
    LedgerUnavailable,
    NotRedrivable,
    QueueFull,
    UnknownTask,
)

MOST_FAULTS = 100
LONGEST_NAME = 64  # of a field's name in a path: the client chose it


class Kind(NamedTuple):
    """A kind of problem. `retry_after` in seconds."""

    status: int
    code: str
    title: str
    retry_after: int | None = None


MALFORMED_REQUEST = Kind(400, "malformed_request", "The bytes are not a valid HTTP/1.1 request.")
REPEATED_FIELD = Kind(400, "repeated_field", "A header field that may appear only once appears several times.")
INVALID_JSON = Kind(400, "invalid_json", "The body is not valid JSON.")
HEAD_TOO_SLOW = Kind(408, "head_too_slow", "The head of the request did not arrive in time.")
BODY_TOO_SLOW = Kind(408, "body_too_slow", "The body did not come in time.")
UNAUTHORIZED = Kind(401, "unauthorized", "A valid API key is needed.")
UNKNOWN_BATCH = Kind(404, "unknown_batch", "No batch has this id.")
BODY_TOO_LARGE = Kind(413, "body_too_large", "The body is too large.")
UNSUPPORTED_MEDIA_TYPE = Kind(415, "unsupported_media_type", "The body has to be application/json, not compressed.")
INVALID_PAYLOAD = Kind(422, "invalid_payload", "The payload does not fit the contract.")
INVALID_BATCH = Kind(422, "invalid_batch", "The batch does not fit the contract.")
INVALID_REQUEST = Kind(422, "invalid_request", "A parameter or a header is wrong.")
PRIORITY_NOT_OFFERED = Kind(422, "priority_not_offered", "Tasks of this contract take no priority.")
BAD_CURSOR = Kind(422, "bad_cursor", "The cursor is not one that this list gave out.")
PIPELINE_TOO_LONG = Kind(429, "pipeline_too_long", "Too many requests wait on this connection.")
HEAD_TOO_LARGE = Kind(431, "head_too_large", "The head of the request is too large.")
INTERNAL = Kind(500, "internal", "Something went wrong on this side.")
CONNECT_NOT_OFFERED = Kind(501, "connect_not_offered", "This server is no proxy: it does not offer CONNECT.")
REDIS_MEMORY = Kind(503, "redis_memory", "Redis is near its memory limit: nothing is accepted now.", 10)
REDIS_UNSAFE = Kind(503, "redis_unsafe", "Redis is not set up for Handoff: nothing is accepted.", 30)

# The one place where errors of the domain get a status.
DOMAIN: Mapping[type[Exception], Kind] = {
    UnknownContract: Kind(404, "unknown_contract", "No contract has this name."),
    UnknownTask: Kind(404, "unknown_task", "No task has this id."),
    IdempotencyConflict: Kind(422, "idempotency_conflict", "The idempotency key was used for another request."),
    NotRedrivable: Kind(409, "not_redrivable", "Only dead and failed tasks can be redriven."),
    QueueFull: Kind(429, "queue_full", "The queue is full.", 5),
    LedgerUnavailable: Kind(503, "ledger_unavailable", "Redis does not serve now.", 2),
    LedgerMisconfigured: REDIS_UNSAFE,
}


class FieldError(NamedTuple):
    """One thing that is wrong, and where: `title`, `items[3].token`, `query.delay`, `header.Idempotency-Key`."""

    path: str
    message: str


class Problem(Exception):
    """A request that can't be served. `detail` is a sentence without anything from the request."""

    def __init__(
        self, kind: Kind, detail: str = "", faults: Sequence[FieldError] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(kind.code)
        self.kind = kind
        self.detail = detail
        self.faults = faults
        self.headers = dict(headers or {})

    def response(self) -> Response:
        kind = self.kind
        document: dict[str, Any] = {"type": f"urn:handoff:problem:{kind.code}", "title": kind.title}
        document |= {"status": kind.status, "detail": self.detail or kind.title, "code": kind.code}
        document["errors"] = [fault._asdict() for fault in self.faults]
        headers = dict(self.headers)
        if kind.retry_after is not None:
            headers["Retry-After"] = str(kind.retry_after)
        if kind.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return Response(orjson.dumps(document), kind.status, headers, media_type="application/problem+json")


def faults(error: ValidationError) -> list[FieldError]:
    """What a validation found, without what was given."""
    return [fault(entry, entry["loc"]) for entry in details(error)]


def item_faults(error: ValidationError, number: int) -> list[FieldError]:
    """The same for item number `number` of a batch."""
    return [fault(entry, ("items", number, *entry["loc"])) for entry in details(error)]


def details(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_context=False, include_input=False)


def fault(entry: ErrorDetails, location: Sequence[str | int]) -> FieldError:
    # This message alone would quote the input.
    message = "The tag is unknown" if entry["type"] == "union_tag_invalid" else entry["msg"]
    return FieldError(fault_path(location), message.removeprefix("Value error, "))


def fault_path(location: Sequence[str | int]) -> str:
    """The path of a fault, like `items[3].token`."""
    path = ""
    for part in location:
        name = str(part)[:LONGEST_NAME]
        path += f"[{part}]" if isinstance(part, int) else f".{name}" if path else name
    return path


EXPECTED: tuple[type[Exception], ...] = (Problem, *DOMAIN)


def answer(error: Exception) -> Response:
    """The answer to one of the `EXPECTED`."""
    if isinstance(error, Problem):
        return error.response()
    # These say what they know in a sentence of their own; the others may quote the request.
    detail = str(error) if isinstance(error, LedgerUnavailable | NotRedrivable | QueueFull) else ""
    return Problem(DOMAIN[type(error)], detail).response()


async def _expected(_: Request, error: Exception) -> Response:
    return answer(error)


async def _http(_: Request, error: HTTPException) -> Response:
    status = HTTPStatus(error.status_code)
    kind = Kind(status, status.phrase.lower().replace(" ", "_").replace("-", "_"), f"{status.phrase}.")
    return Problem(kind, headers=error.headers).response()


async def _unforeseen(_: Request, __: Exception) -> Response:
    return Problem(INTERNAL).response()  # and up it goes: whoever stands around the app logs it


async def _invalid(_: Request, error: RequestValidationError) -> Response:
    return Problem(INVALID_REQUEST, faults=[fault(entry, entry["loc"]) for entry in error.errors()]).response()


def install(app: FastAPI) -> None:
    """Makes every error of the app a problem document."""
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(Exception)(_unforeseen)
    for expected in EXPECTED:
        app.exception_handler(expected)(_expected)
