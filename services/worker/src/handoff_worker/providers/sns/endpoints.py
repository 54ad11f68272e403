"""Creates, remembers and repairs SNS's platform endpoints, the counterparts of device tokens."""

import re
import time

from handoff_worker.delivery import http
from handoff_worker.delivery.responses import Category, ProviderResponse
from handoff_worker.providers.sns.api import SnsApi, SnsError
from handoff_worker.providers.sns.xml import element_text, map_entries

MAX_REMEMBERED = 20_000  # endpoints of an app in one process
REPAIR_MARK = "handoff:repaired:"  # in an endpoint's CustomUserData, before the Unix time of the repair
ALREADY_EXISTS = re.compile(r"Endpoint (arn:\S+) already exists")  # with other attributes, such as REPAIR_MARK
REPAIR_INTERVAL_SECONDS = 7 * 86400  # an endpoint that SNS disables again sooner belongs to a dead device


class Endpoints:
    """The endpoints of one platform application."""

    def __init__(self, api: SnsApi, application: str) -> None:
        self._api = api
        self._application = application
        self._known: dict[str, str] = {}

    async def get(self, token: str) -> str:
        """The ARN of a device's endpoint, which is created if there is none. Raises `http.RequestFailed`."""
        if arn := self._known.get(token):
            return arn
        arn = await self._create(token)
        if len(self._known) >= MAX_REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[token] = arn
        return arn

    def forget(self, token: str) -> None:
        self._known.pop(token, None)

    async def repair(self, arn: str, token: str) -> bool:
        """Enables a disabled endpoint and sets its token. Returns False if the device counts as dead instead.

        SNS disables an endpoint that the platform reports as dead. A client that still names the token says that the
        device is alive, and is believed once in `REPAIR_INTERVAL_SECONDS`. An endpoint whose CustomUserData others
        have written stays disabled.

        Raises:
            http.RequestFailed: SNS refused a call or did not reply.
        """
        attributes = map_entries(await self._api.call_repeatable("GetEndpointAttributes", {"EndpointArn": arn}))
        same, now = attributes.get("Token") == token, int(time.time())
        if same and attributes.get("Enabled", "").lower() == "true":
            return True  # another worker has repaired it
        mark = attributes.get("CustomUserData", "")
        if same and not repairable(mark, now):
            return False
        wanted = {"Token": token, "Enabled": "true"}
        if repairable(mark, now):
            wanted["CustomUserData"] = f"{REPAIR_MARK}{now}"
        parameters = {"EndpointArn": arn}
        for at, (name, text) in enumerate(wanted.items(), 1):
            parameters |= {f"Attributes.entry.{at}.key": name, f"Attributes.entry.{at}.value": text}
        await self._api.call_repeatable("SetEndpointAttributes", parameters)
        return True

    async def _create(self, token: str) -> str:
        parameters = {"PlatformApplicationArn": self._application, "Token": token}
        try:
            arn = element_text("EndpointArn", await self._api.call_repeatable("CreatePlatformEndpoint", parameters))
        except SnsError as error:
            if match := ALREADY_EXISTS.search(error.message):
                return match[1]
            if error.response.reason == "not_found":
                raise http.RequestFailed(
                    ProviderResponse(Category.CREDENTIAL_REJECTED, "no_platform_application")
                ) from None
            raise
        if not arn:
            raise http.RequestFailed(ProviderResponse(Category.RETRY, "bad_reply"))
        return arn


def repairable(mark: str, now: int) -> bool:
    """Whether an endpoint with that CustomUserData may be enabled at the Unix time `now`."""
    match = re.fullmatch(rf"{REPAIR_MARK}(\d{{1,12}})", mark)
    return not mark or (match is not None and now - int(match[1]) > REPAIR_INTERVAL_SECONDS)
