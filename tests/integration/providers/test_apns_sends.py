"""Notifications through APNs, as far as Apple documents it: the server is a simulator."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from handoff_ledger import State
from handoff_worker.delivery import http
from handoff_worker.providers.apns import client as apns
from tests.integration.providers.dispatch import Dispatch
from tests.integration.providers.fcm_simulator import HANG, Say
from tests.integration.providers.push_simulators import ApnsSimulator, refusal

KEY = ec.generate_private_key(ec.SECP256R1())
ONE, TWO, ODD = "a1" * 32, "b2" * 32, "0d" * 32
GONE_SINCE = Say(410, {"reason": "Unregistered", "timestamp": 1454948015990})


def credential(url: str, key: ec.EllipticCurvePrivateKey = KEY) -> str:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    told = {"team_id": "TEAM123456", "key_id": "KEY1234567", "topic": "org.shop.app"}
    return json.dumps(told | {"key": pem, "endpoint": url})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApnsSimulator]:
    with ApnsSimulator(tmp_path_factory.mktemp("apns")) as simulator:
        simulator.public_key = KEY.public_key()
        yield simulator


@pytest.fixture
def apple(server: ApnsSimulator, monkeypatch: pytest.MonkeyPatch) -> ApnsSimulator:
    """The simulator, trusted, and patience of three seconds."""
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
    monkeypatch.setattr(http, "TIMEOUT", timedelta(seconds=3))
    server.sends.clear()
    server.script.clear()
    return server


@pytest.fixture
def dispatch(apple: ApnsSimulator, redis_url: str, tmp_path: Path) -> Iterator[Dispatch]:
    dispatch = Dispatch(redis_url, tmp_path, "apns")
    dispatch.app(credential(apple.url))
    yield dispatch
    dispatch.close()


def test_a_delivered_push_is_sent_once(apple: ApnsSimulator, dispatch: Dispatch) -> None:
    sent = dispatch.send(ONE, TWO, body="World", data={"k": "v"}, ttl=60)
    assert (sent.told, sent.attempts) == (["delivered"] * 2, 1)
    assert {str(item.result and item.result["id"]) for item in sent.items} == {"apns-1", "apns-2"}
    assert apple.asked_of() == {ONE: 1, TWO: 1}
    asked = apple.sends[0]
    assert json.loads(asked.body) == {"k": "v", "aps": {"alert": {"title": "Hello", "body": "World"}}}
    assert (asked.headers["apns-topic"], asked.headers["apns-push-type"]) == ("org.shop.app", "alert")
    assert len({asked.headers["authorization"] for asked in apple.sends}) == 1


@pytest.mark.parametrize("status", [GONE_SINCE, refusal(410, "ExpiredToken")])
def test_a_gone_device_is_listed(apple: ApnsSimulator, dispatch: Dispatch, status: Say) -> None:
    apple.script[ODD] = [status]
    sent = dispatch.send(ODD, TWO)
    assert (sent.told, sent.attempts) == (["recipient_gone", "delivered"], 1)
    assert apple.asked_of() == {ODD: 1, TWO: 1}
    assert dispatch.gone() == [("apns:default", ODD)]


def test_a_bad_token_is_gone_only_where_the_landscape_is_known_to_fit(apple: ApnsSimulator, dispatch: Dispatch) -> None:
    apple.script[ODD] = [refusal(400, "BadDeviceToken")] * 2
    assert dispatch.send(ODD).told == ["payload_rejected"]
    assert dispatch.gone() == []
    assert dispatch.send(TWO).told == ["delivered"]
    assert dispatch.send(ODD).told == ["recipient_gone"]
    assert dispatch.gone() == [("apns:default", ODD)]
    assert apple.asked_of() == {ODD: 2, TWO: 1}


def test_one_device_that_had_too_many_waits_alone(apple: ApnsSimulator, dispatch: Dispatch) -> None:
    apple.script[ODD] = [refusal(429, "TooManyRequests", retry_after="1")]
    sent = dispatch.send(ODD, TWO)
    assert (sent.told, sent.attempts) == (["delivered"] * 2, 2)
    assert apple.asked_of() == {ODD: 2, TWO: 1}
    assert dispatch.held() == []


def test_throttling_holds_the_whole_fleet(apple: ApnsSimulator, dispatch: Dispatch) -> None:
    apple.script[ODD] = [refusal(429, "TooManyProviderTokenUpdates", retry_after="2")]
    batch, state = dispatch.begin(ODD)
    assert state is State.SCHEDULED
    assert dispatch.held() == [("apns:default", "throttled")]
    other, state = dispatch.begin(TWO)
    assert (state, apple.asked_of()[TWO]) == (State.SCHEDULED, 0)
    assert [dispatch.bench.task(f"{id}.0").attempt for id in (batch, other)] == [1, 0]
    for id in (batch, other):
        assert dispatch.bench.due_again(f"{id}.0")
        assert dispatch.run(id) is State.SUCCEEDED
    assert apple.asked_of() == {ODD: 2, TWO: 1}


@pytest.mark.parametrize(
    "say", [refusal(413, "PayloadTooLarge"), refusal(400, "DeviceTokenNotForTopic"), Say(400, "<html>")]
)
def test_a_rejected_payload_is_not_sent_again(apple: ApnsSimulator, dispatch: Dispatch, say: Say) -> None:
    apple.script[ODD] = [say]
    sent = dispatch.send(ODD, TWO)
    assert (sent.told, sent.attempts) == (["payload_rejected", "delivered"], 1)
    assert apple.asked_of() == {ODD: 1, TWO: 1}
    assert dispatch.gone() == []


def test_an_invalid_push_is_not_sent(apple: ApnsSimulator, dispatch: Dispatch) -> None:
    items: list[dict[str, Any]] = [
        {"token": ONE, "body": "x" * 4096},
        {"token": "no/../hex"},
        {"token": ONE, "data": {"aps": "mine"}},
    ]
    sent = dispatch.send_each(items)
    assert (sent.told, sent.attempts) == (["payload_rejected"] * 3, 1)
    told = [str(item.error and item.error.message) for item in sent.items]
    assert [text.rpartition(": ")[2] for text in told] == ["payload_too_large.", "malformed_token.", "reserved_key."]
    assert not apple.sends


def test_a_bad_credential_holds_its_app_until_the_file_changes(apple: ApnsSimulator, dispatch: Dispatch) -> None:
    dispatch.app(credential(apple.url, ec.generate_private_key(ec.SECP256R1())))
    batch, state = dispatch.begin(ONE)
    assert (state, dispatch.held()) == (State.SCHEDULED, [("apns:default", "credential_rejected")])
    assert dispatch.bench.task(f"{batch}.0").attempt == 0
    _, state = dispatch.begin(TWO)
    assert (state, len(apple.sends)) == (State.SCHEDULED, 1)
    dispatch.app(credential(apple.url))
    assert dispatch.send(TWO).told == ["delivered"]
    assert apple.asked_of() == {ONE: 1, TWO: 1}


def test_an_expired_token_is_renewed_once(
    apple: ApnsSimulator, dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apns, "TOKEN_AGE_SECONDS", 10**6)  # so that the first is old
    apple.script[ODD] = [refusal(403, "ExpiredProviderToken")]
    sent = dispatch.send(ODD)
    assert (sent.told, sent.attempts) == (["delivered"], 1)
    first, second = (asked.headers["authorization"].removeprefix("bearer ") for asked in apple.sends)
    times = [jwt.decode(token, options={"verify_signature": False})["iat"] for token in (first, second)]
    assert times[0] < times[1]
    apple.script[ODD] = [refusal(403, "ExpiredProviderToken")] * 2
    assert dispatch.begin(ODD)[1] is State.SCHEDULED
    assert (len(apple.sends), dispatch.held()) == (4, [("apns:default", "credential_rejected")])


@pytest.mark.parametrize(
    "say", [refusal(500, "InternalServerError"), refusal(503, "Shutdown"), Say(502, "<html>Bad gateway</html>")]
)
def test_a_servers_error_passes(apple: ApnsSimulator, dispatch: Dispatch, say: Say) -> None:
    apple.script[ODD] = [say]
    sent = dispatch.send(ODD, TWO)
    assert (sent.told, sent.attempts) == (["delivered"] * 2, 2)
    assert apple.asked_of() == {ODD: 2, TWO: 1}


def test_a_push_without_a_reply_is_sent_again(apple: ApnsSimulator, dispatch: Dispatch) -> None:
    apple.script[ODD] = [HANG]
    sent = dispatch.send(ODD, TWO)
    assert (sent.told, sent.attempts) == (["delivered"] * 2, 2)
    assert apple.asked_of() == {ODD: 2, TWO: 1}


@pytest.mark.parametrize("text", ["{", '{"key": "5ecret"}'])
def test_a_malformed_file_fails_its_pushes(apple: ApnsSimulator, dispatch: Dispatch, text: str) -> None:
    dispatch.app(text)
    sent = dispatch.send(ONE)
    assert (sent.told, sent.attempts, apple.sends) == (["bad_credential"], 1, [])
    assert "5ecret" not in repr(sent.items)


def test_several_apps_at_once(apple: ApnsSimulator, dispatch: Dispatch) -> None:
    dispatch.app(credential(apple.url).replace("org.shop.app", "org.shop.other"), "other")
    sent = dispatch.send_each([{"token": ONE}, {"token": TWO, "app": "other"}, {"token": ODD, "app": "third"}])
    assert sent.told == ["delivered", "delivered", "no_such_app"]
    topics = {asked.path.rpartition("/")[2]: asked.headers["apns-topic"] for asked in apple.sends}
    assert topics == {ONE: "org.shop.app", TWO: "org.shop.other"}
