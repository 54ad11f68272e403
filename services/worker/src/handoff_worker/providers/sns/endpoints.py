"""SNS's platform endpoints: made for device tokens, remembered, and repaired."""

import re
import time

from handoff_worker.delivery import http
from handoff_worker.delivery.responses import Category, ProviderResponse
from handoff_worker.providers.sns.api import SnsApi, SnsError, entries, value

KNOWN = 20_000  # endpoints that a process remembers of an app
REPAIRED = "handoff:repaired:"  # in an endpoint's CustomUserData, with the time
EXISTS = re.compile(r"Endpoint (arn:\S+) already exists")  # one of other attributes, say of our own mark, is an error
ONCE_IN_SECONDS = 7 * 86400  # an endpoint that SNS disables again so soon after its repair is a dead device's


class Endpoints:
    """The endpoints of one platform application."""

    def __init__(self, api: SnsApi, application: str) -> None:
        self._api = api
        self._application = application
        self._known: dict[str, str] = {}

    async def of(self, token: str) -> str:
        """The ARN of a device's endpoint, which is made if there is none. Raises `http.RequestFailed`."""
        if arn := self._known.get(token):
            return arn
        arn = await self._make(token)
        if len(self._known) >= KNOWN:
            del self._known[next(iter(self._known))]
        self._known[token] = arn
        return arn

    def forget(self, token: str) -> None:
        self._known.pop(token, None)

    async def repair(self, arn: str, token: str) -> bool:
        """Gives a disabled endpoint the token and enables it; or not, since the device is dead.

        SNS disables what the platform calls dead, but a client that names the token calls it alive: it is believed
        once. An endpoint with a CustomUserData of somebody else is left to them. Raises `http.RequestFailed`.
        """
        attributes = entries(await self._api.ask("GetEndpointAttributes", {"EndpointArn": arn}))
        same, now = attributes.get("Token") == token, int(time.time())
        if same and attributes.get("Enabled", "").lower() == "true":
            return True  # another worker was faster
        mark = attributes.get("CustomUserData", "")
        if same and not repairable(mark, now):
            return False
        wanted = {"Token": token, "Enabled": "true"}
        if repairable(mark, now):
            wanted["CustomUserData"] = f"{REPAIRED}{now}"
        parameters = {"EndpointArn": arn}
        for at, (name, text) in enumerate(wanted.items(), 1):
            parameters |= {f"Attributes.entry.{at}.key": name, f"Attributes.entry.{at}.value": text}
        await self._api.ask("SetEndpointAttributes", parameters)
        return True

    async def _make(self, token: str) -> str:
        asked = {"PlatformApplicationArn": self._application, "Token": token}
        try:
            arn = value("EndpointArn", await self._api.ask("CreatePlatformEndpoint", asked))
        except SnsError as error:
            if there := EXISTS.search(error.message):
                return there[1]
            if error.response.reason == "not_found":
                raise http.RequestFailed(
                    ProviderResponse(Category.CREDENTIAL_REJECTED, "no_platform_application")
                ) from None
            raise
        if not arn:
            raise http.RequestFailed(ProviderResponse(Category.RETRY, "bad_reply"))
        return arn


def repairable(mark: str, now: int) -> bool:
    """Whether an endpoint of that CustomUserData may be enabled again."""
    match = re.fullmatch(rf"{REPAIRED}(\d{{1,12}})", mark)
    return not mark or (match is not None and now - int(match[1]) > ONCE_IN_SECONDS)
