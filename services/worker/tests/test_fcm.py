"""The `fcm` provider against a simulator: its tokens, and the apps they belong to."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from handoff_contracts.tasks.push_send import PushSend
from handoff_worker.delivery import http
from handoff_worker.delivery.apps import Apps
from handoff_worker.delivery.responses import Category, ProviderResponse
from handoff_worker.errors import Fail
from handoff_worker.providers.fcm import google_token
from handoff_worker.providers.fcm.client import FcmProvider, open_provider
from handoff_worker.settings import Settings
from process import wait_until
from tests.integration.providers.fcm_simulator import (
    HANG,
    RESET,
    UNAUTHENTICATED,
    FcmSimulator,
    Say,
    fcm_error,
    new_key,
    written,
)

PUSH = PushSend(token="t", title="Hello", provider="fcm")
THIRD_PARTY = Say(401, fcm_error(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"))


@pytest.fixture
def simulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FcmSimulator]:
    with FcmSimulator(tmp_path) as simulator:
        monkeypatch.setenv("SSL_CERT_FILE", str(simulator.authority))
        monkeypatch.setattr(http, "TIMEOUT", timedelta(seconds=3))
        (tmp_path / "fcm.default.json").write_text(simulator.key_file())
        yield simulator


@pytest.fixture
async def fcm(simulator: FcmSimulator, tmp_path: Path) -> AsyncIterator[FcmProvider]:
    settings = Settings(env="development", apps_dir=tmp_path, fcm_url=simulator.url)
    provider = open_provider(settings, Apps(settings))
    yield provider
    await provider.aclose()


async def send_category(fcm: FcmProvider, push: PushSend = PUSH) -> Category:
    return (await fcm.send(push)).category


async def test_all_sends_share_one_token(fcm: FcmProvider, simulator: FcmSimulator) -> None:
    responses = await asyncio.gather(*[fcm.send(PUSH) for _ in range(50)])
    assert {response.category for response in responses} == {Category.DELIVERED}
    assert len({response.id for response in responses}) == 50
    assert (len(simulator.sends), len(simulator.grants)) == (50, 1)
    sent = simulator.sends[0]
    assert sent.path == "/v1/projects/demo/messages:send"
    assert json.loads(sent.body) == {"message": {"token": "t", "notification": {"title": "Hello"}}}


async def test_a_token_is_renewed_before_its_end(
    fcm: FcmProvider, simulator: FcmSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(google_token, "time", SimpleNamespace(monotonic=lambda: now, time=time.time))
    await fcm.send(PUSH)
    now += 3600 - google_token.RENEW_BEFORE_END_SECONDS - 1
    await fcm.send(PUSH)
    assert len(simulator.grants) == 1
    now += 2
    assert await send_category(fcm) is Category.DELIVERED
    assert len(simulator.grants) == 2
    assert simulator.sends[-1].headers["authorization"] == "Bearer token-2"


async def test_all_sends_renew_a_refused_token_once(fcm: FcmProvider, simulator: FcmSimulator) -> None:
    await fcm.send(PUSH)
    simulator.script["t"] = [UNAUTHENTICATED] * 20
    responses = await asyncio.gather(*[fcm.send(PUSH) for _ in range(20)])
    assert {response.category for response in responses} == {Category.DELIVERED}
    assert (len(simulator.sends), len(simulator.grants)) == (41, 2)


async def test_a_second_401_rejects_the_credential(fcm: FcmProvider, simulator: FcmSimulator) -> None:
    simulator.script["t"] = [UNAUTHENTICATED] * 2
    assert await fcm.send(PUSH) == ProviderResponse(Category.CREDENTIAL_REJECTED, "unauthenticated")
    assert (len(simulator.sends), len(simulator.grants)) == (2, 2)


async def test_a_third_party_401_renews_no_token(fcm: FcmProvider, simulator: FcmSimulator) -> None:
    simulator.script["t"] = [THIRD_PARTY]
    assert await fcm.send(PUSH) == ProviderResponse(Category.CREDENTIAL_REJECTED, "third_party_auth_error")
    assert (len(simulator.sends), len(simulator.grants)) == (1, 1)


@pytest.mark.parametrize(
    ("say", "response"),
    [
        (Say(400, {"error": "invalid_grant"}), ProviderResponse(Category.CREDENTIAL_REJECTED, "invalid_grant")),
        (Say(401, "<html>no</html>"), ProviderResponse(Category.CREDENTIAL_REJECTED, "http_401")),
        (
            Say(503, "", {"retry-after": "4"}),
            ProviderResponse(Category.RETRY, "no_access_token", retry_after=4),
        ),
        (Say(200, "<html>Sign in</html>"), ProviderResponse(Category.RETRY, "no_access_token")),
        (Say(302, "", {"location": "/token"}), ProviderResponse(Category.RETRY, "no_access_token")),
        (HANG, ProviderResponse(Category.RETRY, "no_access_token")),
        (RESET, ProviderResponse(Category.RETRY, "no_access_token")),
    ],
)
async def test_without_a_token_nothing_is_sent(
    fcm: FcmProvider, simulator: FcmSimulator, say: Say, response: ProviderResponse
) -> None:
    simulator.script["oauth"] = [say]
    assert await asyncio.gather(*[fcm.send(PUSH) for _ in range(5)]) == [response] * 5
    assert (len(simulator.sends), len(simulator.grants)) == (0, 1)
    assert await send_category(fcm) is Category.DELIVERED


async def test_a_key_that_google_does_not_know(fcm: FcmProvider, simulator: FcmSimulator, tmp_path: Path) -> None:
    (tmp_path / "fcm.default.json").write_text(simulator.key_file(private_key=written(new_key())))
    assert await fcm.send(PUSH) == ProviderResponse(Category.CREDENTIAL_REJECTED, "invalid_grant")


async def test_another_key_is_used_soon(fcm: FcmProvider, simulator: FcmSimulator, tmp_path: Path) -> None:
    before = fcm.channel(PUSH)
    await fcm.send(PUSH)
    (tmp_path / "fcm.default.json").write_text(simulator.key_file(project_id="second"))
    assert wait_until(lambda: fcm.channel(PUSH) != before, 5)
    await fcm.send(PUSH)
    assert simulator.sends[-1].path == "/v1/projects/second/messages:send"
    assert len(simulator.grants) == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"type": "authorized_user"}',
        "with:private_key=5ecret",
        "with:token_uri=http://oauth2.googleapis.com/token",
        "with:project_id=../../x",
    ],
)
async def test_a_malformed_key_file_fails(fcm: FcmProvider, simulator: FcmSimulator, tmp_path: Path, text: str) -> None:
    if text.startswith("with:"):
        name, value = text.removeprefix("with:").split("=", 1)
        text = simulator.key_file(**{name: value})
    (tmp_path / "fcm.default.json").write_text(text)
    with pytest.raises(Fail) as failed:
        await fcm.send(PUSH)
    assert failed.value.failure.code == "bad_credential"
    assert "5ecret" not in f"{failed.value!r} {failed.value.failure}"
    assert failed.value.__suppress_context__


async def test_no_repr_shows_a_key(fcm: FcmProvider, simulator: FcmSimulator) -> None:
    await fcm.send(PUSH)
    account = google_token.ServiceAccount.read(simulator.key_file())
    shown = f"{account!r} {account} {vars(fcm)!r} {await fcm.send(PUSH)!r}"
    assert "PRIVATE KEY" not in shown
    assert "sender@" not in shown
    assert "token-1" not in shown


def test_the_api_is_reached_over_tls_alone() -> None:
    with pytest.raises(ValueError, match="fcm_url"):
        Settings(env="development", fcm_url="http://fcm.googleapis.com")


def test_production_allows_no_other_fcm_url() -> None:
    with pytest.raises(ValueError, match="HANDOFF_FCM_URL"):
        Settings(env="production", fcm_url="https://fcm.googleapis.com.example")
