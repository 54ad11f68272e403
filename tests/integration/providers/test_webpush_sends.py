"""Notifications to browsers. web-push-testing decrypts them; a simulator sends the other replies."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from handoff_ledger import State
from handoff_worker.delivery import http
from handoff_worker.providers.es256 import base64url
from handoff_worker.providers.webpush.vapid import read_identity
from tests.integration.providers.dispatch import Dispatch
from tests.integration.providers.fcm_simulator import HANG, Say
from tests.integration.providers.push_simulators import PushServiceSimulator
from tests.integration.providers.web_push_testing import WebPushTesting, installed

KEYS = {
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth": "BTBZMqHH6r4Tts7J_aSIgg",
}


def credential(*hosts: str, key: int = 7) -> str:
    secret = base64url(key.to_bytes(32, "big"))
    return json.dumps({"private_key": secret, "subject": "mailto:push@example.org", "hosts": hosts})


def token(subscription: dict[str, Any]) -> str:
    """As `JSON.stringify` writes it."""
    told = {"endpoint": subscription["endpoint"], "expirationTime": None, "keys": subscription["keys"]}
    return json.dumps(told, separators=(",", ":"))


@pytest.fixture(scope="module")
def browsers(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebPushTesting]:
    cache = pytestconfig.cache
    assert cache is not None
    package = installed(cache.mkdir("web-push-testing"))
    with WebPushTesting(package, tmp_path_factory.mktemp("browsers")) as server:
        yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushServiceSimulator]:
    with PushServiceSimulator(tmp_path_factory.mktemp("push")) as simulator:
        yield simulator


@pytest.fixture
def service(server: PushServiceSimulator, monkeypatch: pytest.MonkeyPatch) -> PushServiceSimulator:
    """The simulator, trusted, and patience of three seconds."""
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
    monkeypatch.setattr(http, "TIMEOUT", timedelta(seconds=3))
    server.sends.clear()
    server.script.clear()
    return server


@pytest.fixture
def dispatch(redis_url: str, tmp_path: Path) -> Iterator[Dispatch]:
    dispatch = Dispatch(redis_url, tmp_path, "webpush")
    yield dispatch
    dispatch.close()


@pytest.fixture
def simulated(service: PushServiceSimulator, dispatch: Dispatch) -> Dispatch:
    """Dispatch to the simulator."""
    dispatch.app(credential(service.url.removeprefix("https://")))
    return dispatch


def at(service: PushServiceSimulator, name: str) -> str:
    return token({"endpoint": service.endpoint(name), "keys": KEYS})


def test_browsers_decrypt_their_notifications(
    browsers: WebPushTesting, dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(browsers.authority))
    dispatch.app(credential(browsers.host))
    key = read_identity(credential(browsers.host)).public
    one, two, gone = (browsers.subscribe(key) for _ in range(3))
    browsers.expire(gone)
    long = "ö" * 1900
    texts: list[dict[str, Any]] = [{"body": "World", "data": {"k": "v"}}, {"body": long}, {}]
    items = [{"token": token(browser), **text} for browser, text in zip((one, two, gone), texts, strict=True)]
    sent = dispatch.send_each(items)
    assert (sent.told, sent.attempts) == (["delivered", "delivered", "recipient_gone"], 1)
    assert browsers.messages(one) == [{"title": "Hello", "body": "World", "data": {"k": "v"}}]
    assert browsers.messages(two) == [{"title": "Hello", "body": long, "data": {}}]
    assert browsers.sent == 3
    assert dispatch.gone() == [("webpush:default", token(gone))]


def test_a_subscription_to_another_key_is_no_fault_of_this_one(
    service: PushServiceSimulator, simulated: Dispatch
) -> None:
    words = "the VAPID credentials in the authorization header do not correspond to the credentials used"
    service.script["odd"] = [Say(403, words)]
    sent = simulated.send(at(service, "odd"), at(service, "two"))
    assert (sent.told, sent.attempts) == (["payload_rejected", "delivered"], 1)
    assert (simulated.held(), simulated.gone()) == ([], [])


def test_a_delivered_push_has_the_services_id(service: PushServiceSimulator, simulated: Dispatch) -> None:
    sent = simulated.send(at(service, "one"), ttl=0)
    assert [item.result and item.result["id"] for item in sent.items] == ["1"]
    assert [asked.headers["ttl"] for asked in service.sends] == ["0"]


@pytest.mark.parametrize("status", [404, 410])
def test_a_gone_browser_is_listed(service: PushServiceSimulator, simulated: Dispatch, status: int) -> None:
    service.script["odd"] = [Say(status, "No such subscription")]
    sent = simulated.send(at(service, "odd"), at(service, "two"))
    assert (sent.told, sent.attempts) == (["recipient_gone", "delivered"], 1)
    assert service.asked_of() == {"odd": 1, "two": 1}
    assert simulated.gone() == [("webpush:default", at(service, "odd"))]


def test_a_service_that_has_too_much_waits_and_the_others_do_not(
    service: PushServiceSimulator, simulated: Dispatch
) -> None:
    host = service.url.removeprefix("https://")
    simulated.app(credential(f"other.{host}", host))
    service.script["odd"] = [Say(429, "", {"retry-after": "2"})]
    batch, state = simulated.begin(at(service, "odd"))
    assert (state, simulated.held()) == (State.SCHEDULED, [("webpush:default", "throttled")])
    other, state = simulated.begin(at(service, "two"))
    assert (state, service.asked_of()) == (State.SCHEDULED, {"odd": 1})
    assert [simulated.bench.task(f"{id}.0").attempt for id in (batch, other)] == [1, 0]
    elsewhere, _ = simulated.begin(token({"endpoint": f"https://other.{host}/x", "keys": KEYS}))
    assert simulated.bench.task(f"{elsewhere}.0").attempt == 1  # it was tried, though no server has that name
    for id in (batch, other):
        assert simulated.bench.due_again(f"{id}.0")
        assert simulated.run(id) is State.SUCCEEDED
    assert service.asked_of() == {"odd": 2, "two": 1}


@pytest.mark.parametrize("say", [Say(413, "Payload too large"), Say(400, "Bad TTL"), Say(307, "")])
def test_a_rejected_payload_is_not_sent_again(service: PushServiceSimulator, simulated: Dispatch, say: Say) -> None:
    service.script["odd"] = [say]
    sent = simulated.send(at(service, "odd"), at(service, "two"))
    assert (sent.told, sent.attempts) == (["payload_rejected", "delivered"], 1)
    assert service.asked_of() == {"odd": 1, "two": 1}
    assert simulated.gone() == []


def test_an_invalid_push_is_not_sent(service: PushServiceSimulator, simulated: Dispatch) -> None:
    bad_keys = token({"endpoint": service.endpoint("one"), "keys": KEYS | {"p256dh": "AAAA"}})
    foreign = [
        token({"endpoint": url, "keys": KEYS}) for url in ("https://127.0.0.1/x", f"{service.url}.evil.example/x")
    ]
    named = token({"endpoint": service.url.replace("localhost", "xn--a.localhost") + "/x", "keys": KEYS})
    items = [{"token": text} for text in ("no-json", bad_keys, *foreign, named)]
    items.append({"token": at(service, "one"), "body": "x" * 3990})
    connections = service.connections
    sent = simulated.send_each(items)
    assert (sent.told, sent.attempts) == (["payload_rejected"] * 6, 1)
    told = [str(item.error and item.error.message).rpartition(": ")[2].rstrip(".") for item in sent.items]
    assert told[:2] == ["malformed_subscription"] * 2
    assert told[2:] == ["untrusted_push_service"] * 2 + ["malformed_subscription", "payload_too_large"]
    assert (service.sends, service.connections) == ([], connections)


def test_a_bad_credential_stops_its_app_at_that_service(service: PushServiceSimulator, simulated: Dispatch) -> None:
    service.script["odd"] = [Say(403, {"reason": "BadJwtToken"})]
    batch, state = simulated.begin(at(service, "odd"))
    assert (state, simulated.held()) == (State.SCHEDULED, [("webpush:default", "credential_rejected")])
    assert simulated.bench.task(f"{batch}.0").attempt == 0
    assert simulated.begin(at(service, "two"))[1] is State.SCHEDULED
    assert service.asked_of() == {"odd": 1}
    simulated.app(credential(service.url.removeprefix("https://"), key=8))
    assert simulated.send(at(service, "two")).told == ["delivered"]


@pytest.mark.parametrize("say", [Say(500, ""), Say(503, "", {"retry-after": "1"}), Say(502, "<html>"), HANG])
def test_a_failed_request_is_sent_again(service: PushServiceSimulator, simulated: Dispatch, say: Say) -> None:
    service.script["odd"] = [say]
    sent = simulated.send(at(service, "odd"), at(service, "two"))
    assert (sent.told, sent.attempts) == (["delivered"] * 2, 2)
    assert service.asked_of() == {"odd": 2, "two": 1}
    assert simulated.held() == []
