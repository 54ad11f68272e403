"""SNS's query API: signed calls, and what its responses mean."""

import re
from collections.abc import Mapping
from html import unescape
from urllib.parse import urlencode, urlsplit

from handoff_worker.delivery import http
from handoff_worker.delivery.responses import Category, ProviderResponse
from handoff_worker.providers.sns.sigv4 import Signer

VERSION = "2010-03-31"
FORM = "application/x-www-form-urlencoded; charset=utf-8"
THROTTLED_SECONDS = 5.0  # SNS counts by the second, and says no time

MEANINGS: Mapping[Category, str] = {
    Category.RECIPIENT_GONE: "EndpointDisabled NotFound",
    Category.RETRY: "InternalError InternalFailure KMSThrottling RequestLimitExceeded ServiceUnavailable Throttled "
    "Throttling ThrottlingException TooManyRequestsException",
    Category.CREDENTIAL_REJECTED: "AccessDenied AccessDeniedException AuthorizationError ExpiredToken "
    "ExpiredTokenException IncompleteSignature InvalidAccessKeyId InvalidClientTokenId InvalidSecurity "
    "MissingAuthenticationToken NotAuthorized OptInRequired PlatformApplicationDisabled RequestExpired "
    "SignatureDoesNotMatch UnrecognizedClientException",
    # The keys are those of a topic, which a client names.
    Category.PAYLOAD_REJECTED: "BatchRequestTooLong InvalidParameter InvalidParameterValue KMSAccessDenied KMSDisabled "
    "KMSInvalidState KMSNotFound KMSOptInRequired MissingParameter ValidationError ValidationException",
}
CODES = {code: category for category, codes in MEANINGS.items() for code in codes.split()}
THROTTLES = re.compile(r"Throttl|RequestLimit|TooManyRequests")


class SnsError(http.RequestFailed):
    """SNS did not do as it was asked. `message`: its own words, which may quote what it was asked."""

    def __init__(self, response: ProviderResponse, message: str) -> None:
        super().__init__(response)
        self.message = message


class SnsApi:
    """Calls SNS at `url` with one signer."""

    def __init__(self, url: str, signer: Signer) -> None:
        self._url = url
        self._host = urlsplit(url).netloc
        self._signer = signer

    async def call(self, action: str, parameters: Mapping[str, str]) -> str:
        """SNS's response, as its XML.

        Raises:
            SnsError: it did not do as it was asked.
            http.RequestFailed: there is no response.
        """
        body = urlencode({"Action": action, "Version": VERSION, **parameters}).encode()
        headers = self._signer.sign(self._host, {"content-type": FORM}, body)
        reply = await http.post(self._url, headers, body)
        text = reply.body.decode(errors="replace")
        if reply.status == 200:
            return text
        message = value("Message", text)
        raise SnsError(categorize_sns_error(reply.status, value("Code", text), http.retry_after(reply)), message)

    async def ask(self, action: str, parameters: Mapping[str, str]) -> str:
        """As `call`, for what delivers nothing: if there is no response it may be repeated."""
        try:
            return await self.call(action, parameters)
        except SnsError:
            raise
        except http.RequestFailed as error:
            raise http.RequestFailed(ProviderResponse(Category.RETRY, error.response.reason)) from None


def categorize_sns_error(status: int, code: str, after: float | None = None) -> ProviderResponse:
    """What an error means: its code tells, or its status when nobody has told of that code."""
    throttled = status == 429 or bool(THROTTLES.search(code))
    if throttled and after is None:
        after = THROTTLED_SECONDS
    known = code in CODES
    category = CODES[code] if known else by_status(status)
    return ProviderResponse(
        category, snake(code) if known else f"http_{status}", retry_after=after, throttled=throttled
    )


def by_status(status: int) -> Category:
    if status == 429 or status >= 500:
        return Category.RETRY
    return Category.CREDENTIAL_REJECTED if status in (401, 403) else Category.PAYLOAD_REJECTED


def snake(code: str) -> str:
    """AWS's word as a code: endpoint_disabled."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", code).lower()


# No parser of XML reads what comes from outside: these responses are flat lists of short texts.
def value(name: str, text: str) -> str:
    """The text of the first element of that name; empty if there is none."""
    match = re.search(rf"<{name}>([^<]*)</{name}>", text)
    return unescape(match[1]) if match else ""


def members(name: str, text: str) -> list[str]:
    """The members of the list of that name, each as its XML."""
    match = re.search(rf"<{name}>(.*?)</{name}>", text, re.DOTALL)
    return re.findall(r"<member>(.*?)</member>", match[1], re.DOTALL) if match else []


def entries(text: str) -> dict[str, str]:
    """The entries of a map."""
    found = re.findall(r"<entry>\s*<key>([^<]*)</key>\s*<value>([^<]*)</value>\s*</entry>", text)
    return {unescape(key): unescape(value) for key, value in found}
