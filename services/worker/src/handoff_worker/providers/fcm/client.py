"""The `fcm` provider: Firebase Cloud Messaging by its HTTP v1 API. An app is a service account's JSON key file."""

import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from pydantic_core import to_json

from handoff_contracts.tasks.push_send import PushSend
from handoff_worker.delivery import http
from handoff_worker.delivery.apps import App, Apps
from handoff_worker.delivery.channel import Channel
from handoff_worker.delivery.responses import ProviderResponse
from handoff_worker.providers.fcm.google_token import AccessToken, ServiceAccount
from handoff_worker.providers.fcm.responses import categorize_fcm_reply
from handoff_worker.settings import Settings

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
LOOK_SECONDS = 1.0  # an app's file is looked at again after so long: not for each of thousands of sends
THIRD_PARTY = "third_party_auth_error"  # a 401 that another token doesn't help


@dataclass(frozen=True, slots=True)
class _Project:
    """What an app's file gives: where its messages are posted, and the token for it. It holds until `until`."""

    app: App
    url: str
    token: AccessToken = field(repr=False)
    until: float


class FcmProvider:
    """Sends through the API at `url`."""

    def __init__(self, url: str, apps: Apps) -> None:
        self._url = url
        self._apps = apps
        self._projects: dict[str, _Project] = {}

    def channel(self, push: PushSend) -> Channel:
        return self._project(push.app).app.channel

    async def send(self, push: PushSend) -> ProviderResponse:
        project = self._project(push.app)
        body = to_json({"message": message(push, time.time())})
        try:
            token = await project.token.get()
            reply = await self._post(project.url, token, body)
            if reply.status == 401 and categorize_fcm_reply(reply).reason != THIRD_PARTY:
                reply = await self._post(project.url, await project.token.get(refused=token), body)
        except http.RequestFailed as error:
            return error.response
        return categorize_fcm_reply(reply)

    async def aclose(self) -> None:
        await http.aclose()

    @staticmethod
    def _post(url: str, token: str, body: bytes) -> Awaitable[http.Reply]:
        return http.post(url, headers(token), body, http2_only=True)  # awaited by who asked: a coroutine less

    def _project(self, name: str) -> _Project:
        known, now = self._projects.get(name), time.monotonic()
        if known is None or known.until <= now:
            known = self._projects[name] = self._look(known, self._apps.get("fcm", name), now + LOOK_SECONDS)
        return known

    def _look(self, known: _Project | None, app: App, until: float) -> _Project:
        if known is not None and known.app is app:
            return replace(known, until=until)
        account = ServiceAccount.read(app.text)
        url = f"{self._url}/v1/projects/{account.project_id}/messages:send"
        return _Project(app, url, AccessToken(account, SCOPE), until)


@lru_cache(maxsize=8)
def headers(token: str) -> Mapping[str, str]:
    """A send's headers: the same objects for the same token, whose thousand characters are hashed once so."""
    return {"authorization": f"Bearer {token}", "content-type": "application/json"}


def message(push: PushSend, now: float) -> dict[str, Any]:
    """FCM's `Message`, as firebase-admin writes it. A time to live is told to each platform in its own way."""
    written: dict[str, Any] = {"token": push.token}
    texts = {"title": push.title, "body": push.body}
    if notification := {name: text for name, text in texts.items() if text is not None}:
        written["notification"] = notification
    if push.data:
        written["data"] = push.data
    if push.ttl is not None:
        expiration = int(now) + push.ttl if push.ttl else 0  # 0: now or never
        written["android"] = {"ttl": f"{push.ttl}s"}
        written["apns"] = {"headers": {"apns-expiration": str(expiration)}}
        written["webpush"] = {"headers": {"TTL": str(push.ttl)}}
    return written


def open_provider(settings: Settings, apps: Apps) -> FcmProvider:
    return FcmProvider(settings.fcm_url, apps)
