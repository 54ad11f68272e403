"""The `fcm` provider: Firebase Cloud Messaging's HTTP v1 API. An app is a service account's JSON key file."""

import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from pydantic_core import to_json

from handoff_contracts.tasks.push_send import PushSend
from handoff_worker.delivery import http
from handoff_worker.delivery.apps import App, Apps
from handoff_worker.delivery.channel import Channel
from handoff_worker.delivery.credential_cache import CredentialCache
from handoff_worker.delivery.responses import ProviderResponse
from handoff_worker.providers.fcm.google_token import AccessToken, ServiceAccount
from handoff_worker.providers.fcm.payload import fcm_message
from handoff_worker.providers.fcm.responses import THIRD_PARTY_AUTH_ERROR, categorize_fcm_reply
from handoff_worker.settings import Settings

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
RECHECK_SECONDS = 1.0  # an app's file is not looked at for each of thousands of sends a second


@dataclass(frozen=True, slots=True)
class FcmProject:
    """A Firebase project: the URL that takes its messages, the access token for it, and its channel."""

    channel: Channel
    url: str
    token: AccessToken = field(repr=False)


class FcmProvider:
    """Sends through the API at `api_url`."""

    def __init__(self, api_url: str, apps: Apps) -> None:
        self._api_url = api_url
        self._projects = CredentialCache(apps, "fcm", self._read_project, recheck_seconds=RECHECK_SECONDS)

    def channel(self, push: PushSend) -> Channel:
        return self._projects.get(push.app).channel

    async def send(self, push: PushSend) -> ProviderResponse:
        project = self._projects.get(push.app)
        body = to_json({"message": fcm_message(push, time.time())})
        try:
            token = await project.token.get()
            reply = await self._post(project.url, token, body)
            if reply.status == 401 and categorize_fcm_reply(reply).reason != THIRD_PARTY_AUTH_ERROR:
                reply = await self._post(project.url, await project.token.get(refused=token), body)
        except http.RequestFailed as error:
            return error.response
        return categorize_fcm_reply(reply)

    async def aclose(self) -> None:
        await http.aclose()

    @staticmethod
    def _post(url: str, token: str, body: bytes) -> Awaitable[http.Reply]:
        return http.post(url, headers(token), body, http2_only=True)  # not awaited here: that saves a coroutine a send

    def _read_project(self, app: App) -> FcmProject:
        account = ServiceAccount.read(app.text)
        url = f"{self._api_url}/v1/projects/{account.project_id}/messages:send"
        return FcmProject(app.channel, url, AccessToken(account, SCOPE))


@lru_cache(maxsize=8)
def headers(token: str) -> Mapping[str, str]:
    """The headers of a send: the same object for the same token, so its thousand characters are hashed once."""
    return {"authorization": f"Bearer {token}", "content-type": "application/json"}


def open_provider(settings: Settings, apps: Apps) -> FcmProvider:
    return FcmProvider(settings.fcm_url, apps)
