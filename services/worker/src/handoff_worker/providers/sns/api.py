"""SNS's query API: signed calls, and what its answers mean."""

import re
from collections.abc import Mapping
from html import unescape
from urllib.parse import urlencode, urlsplit

from handoff_worker.delivery import http
from handoff_worker.delivery.responses import Answer, Answered
from handoff_worker.providers.sns.sigv4 import Signer

VERSION = "2010-03-31"
FORM = "application/x-www-form-urlencoded; charset=utf-8"
THROTTLED_SECONDS = 5.0  # SNS counts by the second, and says no time

MEANINGS: Mapping[Answered, str] = {
    Answered.RECIPIENT_GONE: "EndpointDisabled NotFound",
    Answered.RETRY: "InternalError InternalFailure KMSThrottling RequestLimitExceeded ServiceUnavailable Throttled "
    "Throttling ThrottlingException TooManyRequestsException",
    Answered.CREDENTIAL_REJECTED: "AccessDenied AccessDeniedException AuthorizationError ExpiredToken "
    "ExpiredTokenException IncompleteSignature InvalidAccessKeyId InvalidClientTokenId InvalidSecurity "
    "MissingAuthenticationToken NotAuthorized OptInRequired PlatformApplicationDisabled RequestExpired "
    "SignatureDoesNotMatch UnrecognizedClientException",
    # The keys are those of a topic, which a client names.
    Answered.PAYLOAD_REJECTED: "BatchRequestTooLong InvalidParameter InvalidParameterValue KMSAccessDenied KMSDisabled "
    "KMSInvalidState KMSNotFound KMSOptInRequired MissingParameter ValidationError ValidationException",
}
CODES = {code: verdict for verdict, codes in MEANINGS.items() for code in codes.split()}
THROTTLES = re.compile(r"Throttl|RequestLimit|TooManyRequests")


class Refused(http.Unanswered):
    """SNS did not do as it was asked. `message`: its own words, which may quote what it was asked."""

    def __init__(self, answer: Answer, message: str) -> None:
        super().__init__(answer)
        self.message = message


class SnsApi:
    """Calls SNS at `url` with one signer."""

    def __init__(self, url: str, signer: Signer) -> None:
        self._url = url
        self._host = urlsplit(url).netloc
        self._signer = signer

    async def call(self, action: str, parameters: Mapping[str, str]) -> str:
        """SNS's answer, as its XML.

        Raises:
            Refused: it did not do as it was asked.
            http.Unanswered: there is no answer.
        """
        body = urlencode({"Action": action, "Version": VERSION, **parameters}).encode()
        headers = self._signer.sign(self._host, {"content-type": FORM}, body)
        reply = await http.post(self._url, headers, body)
        text = reply.body.decode(errors="replace")
        if reply.status == 200:
            return text
        message = value("Message", text)
        raise Refused(judge(reply.status, value("Code", text), http.retry_after(reply)), message)

    async def ask(self, action: str, parameters: Mapping[str, str]) -> str:
        """As `call`, for what delivers nothing: if there is no answer it may be repeated."""
        try:
            return await self.call(action, parameters)
        except Refused:
            raise
        except http.Unanswered as error:
            raise http.Unanswered(Answer(Answered.RETRY, error.answer.reason)) from None


def judge(status: int, code: str, after: float | None = None) -> Answer:
    """What an error means: its code tells, or its status when nobody has told of that code."""
    throttled = status == 429 or bool(THROTTLES.search(code))
    if throttled and after is None:
        after = THROTTLED_SECONDS
    known = code in CODES
    verdict = CODES[code] if known else by_status(status)
    return Answer(verdict, snake(code) if known else f"http_{status}", after=after, throttled=throttled)


def by_status(status: int) -> Answered:
    if status == 429 or status >= 500:
        return Answered.RETRY
    return Answered.CREDENTIAL_REJECTED if status in (401, 403) else Answered.PAYLOAD_REJECTED


def snake(code: str) -> str:
    """AWS's word as a code: endpoint_disabled."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", code).lower()


# No parser of XML reads what comes from outside: these answers are flat lists of short texts.
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
