"""The `sns` provider: Amazon SNS. A token is a device's token, or the ARN of an endpoint or a topic."""

import re
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from handoff_contracts.tasks.push_send import PushSend
from handoff_worker.delivery import http
from handoff_worker.delivery.apps import Apps
from handoff_worker.delivery.channel import Channel
from handoff_worker.delivery.credential_cache import CredentialCache
from handoff_worker.delivery.responses import Category, ProviderResponse, delivered
from handoff_worker.providers.sns.api import SnsApi
from handoff_worker.providers.sns.endpoints import Endpoints
from handoff_worker.providers.sns.payload import sns_message
from handoff_worker.providers.sns.sigv4 import AwsKey, Signer
from handoff_worker.providers.sns.topics import Topics
from handoff_worker.providers.sns.xml import element_text
from handoff_worker.settings import Settings

APPLICATION = r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:app/[A-Z_]+/[^/\s]+$"
TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]{1,256}")


class SnsCredential(BaseModel):
    """The file of an app."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d{1,2}$", description="The region of the account")
    access_key_id: SecretStr = Field(description="The id of the access key")
    secret_access_key: SecretStr = Field(description="The secret of the access key")
    session_token: SecretStr = Field(default=SecretStr(""), description="The session of a temporary access key")
    platform_application_arn: str | None = Field(
        default=None, pattern=APPLICATION, description="The application of the devices; without one, only topics work"
    )
    endpoint: str | None = Field(default=None, pattern=r"^https?://[^/\s]+$", description="Replaces Amazon's address")


@dataclass(frozen=True, slots=True)
class SnsAccount:
    """The API, topics and endpoints of one app."""

    api: SnsApi
    topics: Topics
    application: str
    endpoints: Endpoints

    async def send(self, push: PushSend) -> ProviderResponse:
        if TOPIC.fullmatch(push.token):
            return await self.topics.publish(push.token, sns_message(push))
        if not self.application:
            return ProviderResponse(Category.PAYLOAD_REJECTED, "no_platform_application")
        if not push.token.startswith("arn:"):
            return await self._to_device(push)
        if not push.token.startswith(self.application.replace(":app/", ":endpoint/", 1) + "/"):
            return ProviderResponse(Category.PAYLOAD_REJECTED, "other_platform_application")
        return await self._publish(push.token, sns_message(push, self.platform))

    @property
    def platform(self) -> str:
        return self.application.partition(":app/")[2].partition("/")[0]

    async def _to_device(self, push: PushSend) -> ProviderResponse:
        token, text = push.token, sns_message(push, self.platform)
        arn = await self.endpoints.get(token)
        response = await self._publish(arn, text)
        if response.reason == "not_found":  # deleted since it was created
            self.endpoints.forget(token)
            arn = await self.endpoints.get(token)
            response = await self._publish(arn, text)
        if response.reason == "endpoint_disabled" and await self.endpoints.repair(arn, token):
            response = await self._publish(arn, text)
        return response

    async def _publish(self, arn: str, text: dict[str, str]) -> ProviderResponse:
        try:
            return delivered(element_text("MessageId", await self.api.call("Publish", {"TargetArn": arn, **text})))
        except http.RequestFailed as error:
            return error.response


class SnsProvider:
    """Sends to devices and to topics."""

    def __init__(self, apps: Apps) -> None:
        self._apps = apps
        self._accounts = CredentialCache(apps, "sns", lambda app: read_account(app.text))

    def channel(self, push: PushSend) -> Channel:
        return self._apps.get("sns", push.app).channel

    async def send(self, push: PushSend) -> ProviderResponse:
        if "aps" in push.data:
            return ProviderResponse(Category.PAYLOAD_REJECTED, "reserved_key")
        try:
            return await self._accounts.get(push.app).send(push)
        except http.RequestFailed as error:
            return error.response

    async def aclose(self) -> None:
        await http.aclose()


def read_account(text: str) -> SnsAccount:
    """The account in an app's file. Raises `ValueError` for a malformed file."""
    credential = SnsCredential.model_validate_json(text)
    secrets = (credential.access_key_id, credential.secret_access_key, credential.session_token)
    signer = Signer(AwsKey(*(secret.get_secret_value() for secret in secrets)), credential.region, "sns")
    domain = "amazonaws.com.cn" if credential.region.startswith("cn-") else "amazonaws.com"
    api = SnsApi(credential.endpoint or f"https://sns.{credential.region}.{domain}", signer)
    application = credential.platform_application_arn or ""
    return SnsAccount(api, Topics(api), application, Endpoints(api, application))


def open_provider(settings: Settings, apps: Apps) -> SnsProvider:
    return SnsProvider(apps)
