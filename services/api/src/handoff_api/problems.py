"""Error answers: problem documents (RFC 9457) with a stable `code`."""

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

MAX_FIELD_ERRORS = 100
MAX_FIELD_NAME_LENGTH = 64  # in a path; an unknown field's name is chosen by the client


class ProblemType(NamedTuple):
    """One type of problem. `retry_after` is in seconds."""

    status: int
    code: str
    title: str
    retry_after: int | None = None


MALFORMED_REQUEST = ProblemType(400, "malformed_request", "The bytes are not a valid HTTP/1.1 request.")
REPEATED_FIELD = ProblemType(400, "repeated_field", "A header field that may appear only once appears several times.")
INVALID_JSON = ProblemType(400, "invalid_json", "The body is not valid JSON.")
HEAD_TOO_SLOW = ProblemType(408, "head_too_slow", "The head of the request did not arrive in time.")
BODY_TOO_SLOW = ProblemType(408, "body_too_slow", "The body did not arrive in time.")
UNAUTHORIZED = ProblemType(401, "unauthorized", "A valid API key is needed.")
UNKNOWN_BATCH = ProblemType(404, "unknown_batch", "No batch has this id.")
BODY_TOO_LARGE = ProblemType(413, "body_too_large", "The body is too large.")
UNSUPPORTED_MEDIA_TYPE = ProblemType(415, "unsupported_media_type", "The body must be uncompressed application/json.")
INVALID_PAYLOAD = ProblemType(422, "invalid_payload", "The payload does not fit the contract.")
INVALID_BATCH = ProblemType(422, "invalid_batch", "The batch does not fit the contract.")
INVALID_REQUEST = ProblemType(422, "invalid_request", "A parameter or a header is wrong.")
PRIORITY_NOT_OFFERED = ProblemType(422, "priority_not_offered", "Tasks of this contract take no priority.")
BAD_CURSOR = ProblemType(422, "bad_cursor", "The cursor does not belong to this list and filter.")
PIPELINE_TOO_LONG = ProblemType(429, "pipeline_too_long", "Too many requests wait on this connection.")
HEAD_TOO_LARGE = ProblemType(431, "head_too_large", "The head of the request is too large.")
INTERNAL = ProblemType(500, "internal", "The server failed unexpectedly.")
CONNECT_NOT_OFFERED = ProblemType(501, "connect_not_offered", "This server is not a proxy: it does not offer CONNECT.")
REDIS_MEMORY = ProblemType(503, "redis_memory", "Redis is near its memory limit: the API accepts nothing now.", 10)
REDIS_UNSAFE = ProblemType(503, "redis_unsafe", "Redis is not set up for Handoff: the API accepts nothing.", 30)

# The only place that maps domain errors to HTTP statuses.
DOMAIN_ERRORS: Mapping[type[Exception], ProblemType] = {
    UnknownContract: ProblemType(404, "unknown_contract", "No contract has this name."),
    UnknownTask: ProblemType(404, "unknown_task", "No task has this id."),
    IdempotencyConflict: ProblemType(422, "idempotency_conflict", "The idempotency key was used for another request."),
    NotRedrivable: ProblemType(409, "not_redrivable", "Only dead and failed tasks can be redriven."),
    QueueFull: ProblemType(429, "queue_full", "The queue is full.", 5),
    LedgerUnavailable: ProblemType(503, "ledger_unavailable", "Redis is not available now.", 2),
    LedgerMisconfigured: REDIS_UNSAFE,
}


class FieldError(NamedTuple):
    """The fault of one field. Its path is like `items[3].token`, `query.delay` or `header.Idempotency-Key`."""

    path: str
    message: str


class Problem(Exception):
    """A request that the API refuses. `detail` is a sentence that quotes nothing from the request."""

    def __init__(
        self,
        type: ProblemType,
        detail: str = "",
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(type.code)
        self.type = type
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})

    def response(self) -> Response:
        type = self.type
        document: dict[str, Any] = {"type": f"urn:handoff:problem:{type.code}", "title": type.title}
        document |= {"status": type.status, "detail": self.detail or type.title, "code": type.code}
        document["errors"] = [error._asdict() for error in self.errors]
        headers = dict(self.headers)
        if type.retry_after is not None:
            headers["Retry-After"] = str(type.retry_after)
        if type.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return Response(orjson.dumps(document), type.status, headers, media_type="application/problem+json")


def field_errors(error: ValidationError) -> list[FieldError]:
    """Return the fault of each field, without the value that the client sent."""
    return [field_error(entry, entry["loc"]) for entry in details(error)]


def item_field_errors(error: ValidationError, number: int) -> list[FieldError]:
    """Return the same for item number `number` of a batch."""
    return [field_error(entry, ("items", number, *entry["loc"])) for entry in details(error)]


def details(error: ValidationError) -> list[ErrorDetails]:
    """Return pydantic's entries without the parts that quote the input."""
    return error.errors(include_url=False, include_context=False, include_input=False)


def field_error(entry: ErrorDetails, location: Sequence[str | int]) -> FieldError:
    # Of all pydantic messages only this one quotes the input.
    message = "The tag is unknown" if entry["type"] == "union_tag_invalid" else entry["msg"]
    return FieldError(field_path(location), message.removeprefix("Value error, "))


def field_path(location: Sequence[str | int]) -> str:
    """Return the path of a field, like `items[3].token`."""
    path = ""
    for part in location:
        name = str(part)[:MAX_FIELD_NAME_LENGTH]
        path += f"[{part}]" if isinstance(part, int) else f".{name}" if path else name
    return path


EXPECTED_ERRORS: tuple[type[Exception], ...] = (Problem, *DOMAIN_ERRORS)


def problem_response(error: Exception) -> Response:
    """Return the answer to one of the `EXPECTED_ERRORS`."""
    if isinstance(error, Problem):
        return error.response()
    # The messages of these errors quote nothing from the request; those of the others can.
    detail = str(error) if isinstance(error, LedgerUnavailable | NotRedrivable | QueueFull) else ""
    return Problem(DOMAIN_ERRORS[type(error)], detail).response()


async def _on_expected_error(_: Request, error: Exception) -> Response:
    return problem_response(error)


async def _on_http_error(_: Request, error: HTTPException) -> Response:
    status = HTTPStatus(error.status_code)
    type = ProblemType(status, status.phrase.lower().replace(" ", "_").replace("-", "_"), f"{status.phrase}.")
    return Problem(type, headers=error.headers).response()


async def _on_unexpected_error(_: Request, __: Exception) -> Response:
    return Problem(INTERNAL).response()  # Starlette then re-raises, and ObservabilityMiddleware logs the error


async def _on_invalid_request(_: Request, error: RequestValidationError) -> Response:
    return Problem(INVALID_REQUEST, errors=[field_error(entry, entry["loc"]) for entry in error.errors()]).response()


def add_exception_handlers(app: FastAPI) -> None:
    """Make the app answer every error with a problem document."""
    app.exception_handler(HTTPException)(_on_http_error)
    app.exception_handler(RequestValidationError)(_on_invalid_request)
    app.exception_handler(Exception)(_on_unexpected_error)
    for expected in EXPECTED_ERRORS:
        app.exception_handler(expected)(_on_expected_error)
