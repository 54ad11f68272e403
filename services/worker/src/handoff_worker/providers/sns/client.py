"""The `sns` provider: Amazon SNS. A token is a device's token, the ARN of a device's endpoint, or that of a topic."""

import re
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from handoff_contracts.tasks.push_send import PushSend
from handoff_worker.delivery import http
from handoff_worker.delivery.apps import Apps
from handoff_worker.delivery.channel import Channel
from handoff_worker.delivery.credential_cache import Parsed
from handoff_worker.delivery.responses import Category, ProviderResponse, delivered
from handoff_worker.providers.sns.api import SnsApi, value
from handoff_worker.providers.sns.endpoints import Endpoints
from handoff_worker.providers.sns.payload import message
from handoff_worker.providers.sns.sigv4 import AwsKey, Signer
from handoff_worker.providers.sns.topics import Topics
from handoff_worker.settings import Settings

APPLICATION = r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:app/[A-Z_]+/[^/\s]+$"
TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]{1,256}")


class SnsCredential(BaseModel):
    """An app's file. `platform_application_arn`: what its devices belong to; without it there are but topics."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d{1,2}$")
    access_key_id: SecretStr
    secret_access_key: SecretStr
    session_token: SecretStr = SecretStr("")
    platform_application_arn: str | None = Field(default=None, pattern=APPLICATION)
    endpoint: str | None = Field(default=None, pattern=r"^https?://[^/\s]+$", description="In place of Amazon's own")


@dataclass(frozen=True, slots=True)
class SnsAccount:
    """What sends for one app."""

    api: SnsApi
    topics: Topics
    application: str
    endpoints: Endpoints

    async def send(self, push: PushSend) -> ProviderResponse:
        if TOPIC.fullmatch(push.token):
            return await self.topics.publish(push.token, message(push))
        if not self.application:
            return ProviderResponse(Category.PAYLOAD_REJECTED, "no_platform_application")
        if not push.token.startswith("arn:"):
            return await self._to_device(push)
        if not push.token.startswith(self.application.replace(":app/", ":endpoint/", 1) + "/"):
            return ProviderResponse(Category.PAYLOAD_REJECTED, "other_platform_application")
        return await self._publish(push.token, message(push, self.platform))

    @property
    def platform(self) -> str:
        return self.application.partition(":app/")[2].partition("/")[0]

    async def _to_device(self, push: PushSend) -> ProviderResponse:
        token, text = push.token, message(push, self.platform)
        arn = await self.endpoints.of(token)
        response = await self._publish(arn, text)
        if response.reason == "not_found":  # deleted since it was made
            self.endpoints.forget(token)
            arn = await self.endpoints.of(token)
            response = await self._publish(arn, text)
        if response.reason == "endpoint_disabled" and await self.endpoints.repair(arn, token):
            response = await self._publish(arn, text)
        return response

    async def _publish(self, arn: str, text: dict[str, str]) -> ProviderResponse:
        try:
            return delivered(value("MessageId", await self.api.call("Publish", {"TargetArn": arn, **text})))
        except http.RequestFailed as error:
            return error.response


class SnsProvider:
    """Sends to devices and to topics."""

    def __init__(self, apps: Apps) -> None:
        self._apps = apps
        self._accounts = Parsed(read_account)

    def channel(self, push: PushSend) -> Channel:
        return self._apps.get("sns", push.app).channel

    async def send(self, push: PushSend) -> ProviderResponse:
        if "aps" in push.data:
            return ProviderResponse(Category.PAYLOAD_REJECTED, "reserved_key")
        try:
            return await self._accounts.of(self._apps.get("sns", push.app)).send(push)
        except http.RequestFailed as error:
            return error.response

    async def aclose(self) -> None:
        await http.aclose()


def read_account(text: str) -> SnsAccount:
    """What an app's file means. Raises `ValueError` for a malformed one."""
    told = SnsCredential.model_validate_json(text)
    secrets = (told.access_key_id, told.secret_access_key, told.session_token)
    signer = Signer(AwsKey(*(secret.get_secret_value() for secret in secrets)), told.region, "sns")
    domain = "amazonaws.com.cn" if told.region.startswith("cn-") else "amazonaws.com"
    api = SnsApi(told.endpoint or f"https://sns.{told.region}.{domain}", signer)
    application = told.platform_application_arn or ""
    return SnsAccount(api, Topics(api), application, Endpoints(api, application))


def open_provider(settings: Settings, apps: Apps) -> SnsProvider:
    return SnsProvider(apps)
