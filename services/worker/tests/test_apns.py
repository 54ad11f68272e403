"""APNs: every reason that Apple documents has its meaning, and all workers sign the same token."""

import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from handoff_contracts.tasks.push_send import PushSend
from handoff_worker.delivery.apps import App
from handoff_worker.delivery.channel import Channel
from handoff_worker.delivery.credential_cache import Parsed
from handoff_worker.delivery.http import Reply
from handoff_worker.delivery.responses import Answered, delivered
from handoff_worker.errors import CODE, Fail
from handoff_worker.providers.apns import aps
from handoff_worker.providers.apns import client as apns
from handoff_worker.providers.apns.responses import judge

GONE, RETRY, BAD = Answered.RECIPIENT_GONE, Answered.RETRY, Answered.PAYLOAD_REJECTED
REJECTED = Answered.CREDENTIAL_REJECTED
# Apple's "Handling notification responses from APNs": status, reason.
DOCUMENTED = [
    (400, "BadCollapseId", BAD),
    (400, "BadDeviceToken", GONE),
    (400, "BadExpirationDate", BAD),
    (400, "BadMessageId", BAD),
    (400, "BadPriority", BAD),
    (400, "BadTopic", REJECTED),
    (400, "DeviceTokenNotForTopic", BAD),
    (400, "DuplicateHeaders", BAD),
    (400, "IdleTimeout", RETRY),
    (400, "InvalidPushType", BAD),
    (400, "MissingDeviceToken", BAD),
    (400, "MissingTopic", REJECTED),
    (400, "PayloadEmpty", BAD),
    (400, "TopicDisallowed", REJECTED),
    (403, "BadCertificate", REJECTED),
    (403, "BadCertificateEnvironment", REJECTED),
    (403, "BadEnvironmentKeyIdInToken", REJECTED),
    (403, "ExpiredProviderToken", REJECTED),
    (403, "Forbidden", REJECTED),
    (403, "InvalidProviderToken", REJECTED),
    (403, "MissingProviderToken", REJECTED),
    (403, "UnrelatedKeyIdInToken", REJECTED),
    (404, "BadPath", BAD),
    (405, "MethodNotAllowed", BAD),
    (410, "ExpiredToken", GONE),
    (410, "Unregistered", GONE),
    (413, "PayloadTooLarge", BAD),
    (429, "TooManyProviderTokenUpdates", RETRY),
    (429, "TooManyRequests", RETRY),
    (500, "InternalServerError", RETRY),
    (503, "ServiceUnavailable", RETRY),
    (503, "Shutdown", RETRY),
]
UNDOCUMENTED = [
    (410, b"", GONE),
    (403, b"<html>", REJECTED),
    (502, b"<html>Bad gateway</html>", RETRY),
    (429, b"[]", RETRY),
    (413, b'{"reason": 7}', BAD),
    (400, b'{"reason": "Brand5ecretNew"}', BAD),
]


def pem(key: PrivateKeyTypes) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def credential(**other: Any) -> str:
    key = pem(ec.generate_private_key(ec.SECP256R1()))
    return json.dumps({"team_id": "TEAM123456", "key_id": "KEY1234567", "key": key, "topic": "org.shop.app"} | other)


@pytest.mark.parametrize(("status", "reason", "verdict"), DOCUMENTED)
def test_every_documented_reason_has_its_meaning(status: int, reason: str, verdict: Answered) -> None:
    answer = judge(Reply(status, {}, json.dumps({"reason": reason, "timestamp": 1}).encode()))
    assert answer.verdict is verdict
    assert answer.reason.replace("_", "") == reason.lower()
    assert CODE.fullmatch(answer.reason)
    assert answer.throttled == (reason == "TooManyProviderTokenUpdates")


@pytest.mark.parametrize(("status", "body", "verdict"), UNDOCUMENTED)
def test_the_status_tells_where_no_known_reason_does(status: int, body: bytes, verdict: Answered) -> None:
    answer = judge(Reply(status, {"retry-after": "7"}, body))
    assert (answer.verdict, answer.reason, answer.after) == (verdict, f"http_{status}", 7.0)


def test_what_was_delivered_has_apples_name() -> None:
    assert judge(Reply(200, {"apns-id": "ABC"}, b"")) == delivered("ABC")


def test_all_workers_sign_the_same_token_until_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    text = credential()
    one, other = apns.sender(text), apns.sender(text)
    now = time.time() // apns.TOKEN_AGE_SECONDS * apns.TOKEN_AGE_SECONDS
    monkeypatch.setattr(time, "time", lambda: now + 1)
    first = one.token()
    assert other.token() == first
    claims = jwt.decode(first, one.key.public_key(), ["ES256"], options={"verify_iat": False})
    assert claims == {"iss": "TEAM123456", "iat": now}
    assert jwt.get_unverified_header(first) == {"alg": "ES256", "kid": "KEY1234567"}
    monkeypatch.setattr(time, "time", lambda: now + apns.TOKEN_AGE_SECONDS - 1)
    assert one.token() == first
    monkeypatch.setattr(time, "time", lambda: now + apns.TOKEN_AGE_SECONDS)
    assert one.token() != first


def test_an_expired_token_is_renewed_once_for_all_that_were_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apns, "TOKEN_AGE_SECONDS", 10**6)  # so that the first is old
    sender = apns.sender(credential())
    expired = sender.token()
    renewed = sender.renewed(expired)
    assert renewed != expired
    assert sender.renewed(expired) == renewed == sender.token()


def test_an_alert_and_a_background_one() -> None:
    alert = PushSend(token="ab", title="t", data={"k": "v"}, ttl=0)
    assert aps.notification(alert) == {"k": "v", "aps": {"alert": {"title": "t"}}}
    sent = apns.headers("org.shop.app", alert, "jwt")
    assert (sent["apns-push-type"], sent["apns-priority"], sent["apns-expiration"]) == ("alert", "10", "0")
    silent, began = PushSend(token="ab", data={"k": "v"}, ttl=60), int(time.time())
    assert aps.notification(silent) == {"k": "v", "aps": {"content-available": 1}}
    sent = apns.headers("org.shop.app", silent, "jwt")
    assert (sent["apns-push-type"], sent["apns-priority"]) == ("background", "5")
    assert began + 60 <= int(sent["apns-expiration"]) <= time.time() + 60
    assert "apns-expiration" not in apns.headers("org.shop.app", PushSend(token="ab"), "jwt")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        credential(topic="a b"),
        credential(key="5ecret"),
        credential(other="5ecret"),
        credential(endpoint="http://api.push.apple.com"),
        credential(key=pem(rsa.generate_private_key(65537, 2048))),
        credential(key=pem(ed25519.Ed25519PrivateKey.generate())),
        credential(key=pem(ec.generate_private_key(ec.SECP384R1()))),
    ],
    ids=["cut", "topic", "no key", "extra", "no TLS", "RSA", "Ed25519", "P-384"],
)
def test_a_malformed_file_is_told_with_nothing_of_it(text: str) -> None:
    with pytest.raises(Fail) as failed:
        Parsed(apns.sender).of(App(text, Channel("apns:default:1")))
    assert failed.value.failure.code == "bad_credential"
    assert "5ecret" not in f"{failed.value.failure}{failed.value!r}"
    assert failed.value.__suppress_context__


def test_a_file_is_read_once_and_again_when_it_is_another() -> None:
    made: list[str] = []

    def make(text: str) -> str:
        made.append(text)
        return text

    parsed = Parsed(make)
    one, other = App("1", Channel("apns:default:aa")), App("2", Channel("apns:default:bb"))
    assert [parsed.of(app) for app in (one, one, other, other)] == ["1", "1", "2", "2"]
    assert made == ["1", "2"]


def test_no_secret_shows() -> None:
    sender = apns.sender(credential())
    token = sender.token()
    assert token not in repr(sender)
    assert "PrivateKey" not in repr(sender)
