"""`http.request`: one HTTP request to any server of the internet, signed as a webhook if wanted."""

from typing import Annotated, Literal, Self

from pydantic import Field, HttpUrl, JsonValue, StringConstraints, field_validator, model_validator

from handoff_contracts.contract import Contract, Payload, Policy, Result
from handoff_contracts.files import Base64
from handoff_contracts.json_number import JSON_NUMBER

HeaderName = Annotated[str, StringConstraints(max_length=128, pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
# Printable ASCII without spaces at its ends: no line break can be in it.
HeaderValue = Annotated[str, StringConstraints(max_length=8192, pattern=r"^(?:[!-~](?:[\t -~]*[!-~])?)?$")]
# These belong to the connection, or are made of the URL and the body.
OURS = frozenset({"accept-encoding", "content-length", "expect", "host"}) | frozenset(
    {"connection", "http2-settings", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
SIGNATURE = frozenset({"webhook-id", "webhook-timestamp", "webhook-signature"})
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})  # idempotent, says RFC 9110


class HttpRequest(Payload):
    """A request and what is expected of its answer."""

    method: Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    url: HttpUrl = Field(repr=False, description="http or https, without a user and a password in it")
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict, max_length=64, repr=False)
    body: str | None = Field(default=None, repr=False, description="Text, sent as UTF-8")
    body_json: JsonValue = Field(default=None, repr=False, description="Sent as JSON")
    body_base64: Base64 | None = Field(default=None, repr=False, description="Bytes; 512 KiB of them at most")
    expect: list[Annotated[int, Field(ge=200, le=599), JSON_NUMBER]] = Field(
        default_factory=list, max_length=32, description="Statuses that mean success; if empty: 200 to 299"
    )
    timeout: Annotated[float, Field(ge=1, le=120), JSON_NUMBER] = Field(default=30, description="Seconds for all of it")
    redirects: Annotated[int, Field(ge=0, le=10), JSON_NUMBER] = Field(
        default=0, description="How many redirects are followed"
    )
    keep_body: Annotated[int, Field(ge=0, le=65_536), JSON_NUMBER] = Field(
        default=16_384, description="Bytes of the answer's body that are kept"
    )
    unknown: Literal["repeat", "give_up"] | None = Field(
        default=None,
        description="When it may have been received, but was not answered. If unset: repeat, but give up a POST or"
        " PATCH that has neither a webhook's signature nor an Idempotency-Key",
    )
    webhook: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}$",
        description="Sign it as Standard Webhooks has it, with the secret of this name",
    )

    @field_validator("url")
    @classmethod
    def _no_user(cls, url: HttpUrl) -> HttpUrl:
        if url.username is not None or url.password is not None:
            raise ValueError("a URL has no user and no password in it: send an Authorization header")
        return url

    @field_validator("headers")
    @classmethod
    def _ours(cls, headers: dict[str, str]) -> dict[str, str]:
        names = [name.lower() for name in headers]
        if len(set(names)) < len(names):
            raise ValueError("a header is there twice")
        if OURS.intersection(names) or any(name.startswith("proxy-") for name in names):
            raise ValueError(f"these headers can't be set: proxy-..., {', '.join(sorted(OURS))}")
        return headers

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if sum(body is not None for body in (self.body, self.body_json, self.body_base64)) > 1:
            raise ValueError("a request has one of body, body_json and body_base64")
        if self.webhook and (self.method != "POST" or self.redirects):
            raise ValueError("a webhook is a POST, and follows no redirect")
        if self.webhook and SIGNATURE.intersection(name.lower() for name in self.headers):
            raise ValueError("a webhook's signature is made here: leave its headers out")
        return self

    @property
    def repeatable(self) -> bool:
        """Whether it is sent again when nobody knows if it was received."""
        if self.unknown:
            return self.unknown == "repeat"
        keyed = any(name.lower() == "idempotency-key" for name in self.headers)
        return self.method in REPEATABLE or keyed or self.webhook is not None


class HttpResponse(Result):
    """The answer. `body` is text if it is UTF-8 without controls, or base64."""

    status: int
    headers: dict[str, str] = Field(description="Those that tell of the content, names in lower case")
    body: str
    encoding: Literal["text", "base64"]
    truncated: bool = Field(description="The body went on, or broke off")


HTTP_REQUEST = Contract(
    name="http.request",
    version=1,
    payload=HttpRequest,
    result=HttpResponse,
    summary="Send one HTTP request, and keep its answer.",
    # The waits double from 5 s to 4 h: a receiver that is down has 9 hours to come back.
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
