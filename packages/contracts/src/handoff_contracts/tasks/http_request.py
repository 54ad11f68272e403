"""`http.request` sends one HTTP request to any public server, optionally signed as a webhook."""

from typing import Annotated, Literal, Self

from pydantic import Field, HttpUrl, JsonValue, StringConstraints, field_validator, model_validator

from handoff_contracts.contract import Contract, Payload, Policy, Result
from handoff_contracts.credential_name import CredentialName
from handoff_contracts.files import Base64
from handoff_contracts.json_number import JSON_NUMBER

HeaderName = Annotated[str, StringConstraints(max_length=128, pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
# Printable ASCII without spaces at its ends, so it contains no line break.
HeaderValue = Annotated[str, StringConstraints(max_length=8192, pattern=r"^(?:[!-~](?:[\t -~]*[!-~])?)?$")]
# The HTTP client sets these for the connection, or from the URL and the body.
RESERVED_HEADERS = frozenset({"accept-encoding", "content-length", "expect", "host"}) | frozenset(
    {"connection", "http2-settings", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
SIGNATURE_HEADERS = frozenset({"webhook-id", "webhook-timestamp", "webhook-signature"})
IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})  # RFC 9110, section 9.2.2


class HttpRequest(Payload):
    """An HTTP request, and how to handle its response."""

    method: Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] = Field(
        default="GET", description="Method"
    )
    url: HttpUrl = Field(repr=False, description="An http or https URL without user and password")
    headers: dict[HeaderName, HeaderValue] = Field(
        default_factory=dict, max_length=64, repr=False, description="Header fields"
    )
    body: str | None = Field(default=None, repr=False, description="Body as text, sent in UTF-8")
    body_json: JsonValue = Field(default=None, repr=False, description="Body as JSON")
    body_base64: Base64 | None = Field(
        default=None, repr=False, description="Body as bytes in base64, up to 512 KiB before encoding"
    )
    expect: list[Annotated[int, Field(ge=200, le=599), JSON_NUMBER]] = Field(
        default_factory=list, max_length=32, description="Status codes that mean success; if empty, 200 to 299"
    )
    timeout: Annotated[float, Field(ge=1, le=120), JSON_NUMBER] = Field(
        default=30, description="Seconds for the whole exchange"
    )
    redirects: Annotated[int, Field(ge=0, le=10), JSON_NUMBER] = Field(
        default=0, description="The most redirects to follow"
    )
    keep_body: Annotated[int, Field(ge=0, le=65_536), JSON_NUMBER] = Field(
        default=16_384, description="The most bytes of the response's body to keep"
    )
    unknown: Literal["repeat", "give_up"] | None = Field(
        default=None,
        description="What to do when the server may have received the request but did not respond. If unset: repeat,"
        " except a POST or PATCH with neither a webhook signature nor an Idempotency-Key",
    )
    webhook: CredentialName | None = Field(
        default=None,
        description="Name of the secret that signs the request by the Standard Webhooks specification",
    )

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: HttpUrl) -> HttpUrl:
        if url.username is not None or url.password is not None:
            raise ValueError("a URL must not contain a user or a password: send an Authorization header")
        return url

    @field_validator("headers")
    @classmethod
    def _check_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        names = [name.lower() for name in headers]
        if len(set(names)) < len(names):
            raise ValueError("a header occurs twice")
        if RESERVED_HEADERS.intersection(names) or any(name.startswith("proxy-") for name in names):
            raise ValueError(f"these headers can't be set: proxy-..., {', '.join(sorted(RESERVED_HEADERS))}")
        return headers

    @model_validator(mode="after")
    def _check_combination(self) -> Self:
        if sum(body is not None for body in (self.body, self.body_json, self.body_base64)) > 1:
            raise ValueError("a request has at most one of body, body_json and body_base64")
        if self.webhook and (self.method != "POST" or self.redirects):
            raise ValueError("a webhook needs the method POST and follows no redirect")
        if self.webhook and SIGNATURE_HEADERS.intersection(name.lower() for name in self.headers):
            raise ValueError("the worker signs a webhook: remove its signature headers")
        return self

    @property
    def repeatable(self) -> bool:
        """Whether to send the request again after an exchange whose effect is unknown."""
        if self.unknown:
            return self.unknown == "repeat"
        keyed = any(name.lower() == "idempotency-key" for name in self.headers)
        return self.method in IDEMPOTENT_METHODS or keyed or self.webhook is not None


class HttpResponse(Result):
    """The server's response."""

    status: int = Field(description="Status code")
    headers: dict[str, str] = Field(description="Header fields that describe the content, names in lower case")
    body: str = Field(description="Body, as `encoding` says")
    encoding: Literal["text", "base64"] = Field(description="text for UTF-8 without control characters, else base64")
    truncated: bool = Field(description="Whether the body is incomplete: too long, or cut off")


HTTP_REQUEST = Contract(
    name="http.request",
    version=1,
    payload=HttpRequest,
    result=HttpResponse,
    summary="Send one HTTP request and keep its response.",
    # The waits double from 5 s to 4 h, so a receiver can be down for 9 hours.
    policy=Policy(
        max_attempts=14,
        backoff=5.0,
        backoff_limit=14_400.0,
        time_limit=130.0,
        pack=100,
        concurrency=50,
        unknown="give_up",
    ),
)
