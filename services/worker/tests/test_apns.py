"""APNs: every documented reason has a category, and all workers sign the same token."""

import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from handoff_contracts.tasks.push_send import PushSend
from handoff_worker.delivery.apps import Apps
from handoff_worker.delivery.credential_cache import CredentialCache
from handoff_worker.delivery.http import Reply
from handoff_worker.delivery.responses import Category, delivered
from handoff_worker.errors import CODE, Fail
from handoff_worker.providers.apns import client as apns
from handoff_worker.providers.apns.payload import apns_payload
from handoff_worker.providers.apns.responses import categorize_apns_reply
from handoff_worker.settings import Settings

GONE, RETRY, BAD = Category.RECIPIENT_GONE, Category.RETRY, Category.PAYLOAD_REJECTED
REJECTED = Category.CREDENTIAL_REJECTED
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


@pytest.mark.parametrize(("status", "reason", "category"), DOCUMENTED)
def test_every_documented_reason_has_a_category(status: int, reason: str, category: Category) -> None:
    response = categorize_apns_reply(Reply(status, {}, json.dumps({"reason": reason, "timestamp": 1}).encode()))
    assert response.category is category
    assert response.reason.replace("_", "") == reason.lower()
    assert CODE.fullmatch(response.reason)
    assert response.throttled == (reason == "TooManyProviderTokenUpdates")


@pytest.mark.parametrize(("status", "body", "category"), UNDOCUMENTED)
def test_without_a_known_reason_the_status_decides(status: int, body: bytes, category: Category) -> None:
    response = categorize_apns_reply(Reply(status, {"retry-after": "7"}, body))
    assert (response.category, response.reason, response.retry_after) == (category, f"http_{status}", 7.0)


def test_a_delivered_push_has_apples_id() -> None:
    assert categorize_apns_reply(Reply(200, {"apns-id": "ABC"}, b"")) == delivered("ABC")


def test_all_workers_sign_the_same_token_until_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    text = credential()
    one, other = apns.read_account(text), apns.read_account(text)
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


def test_all_refused_sends_share_one_new_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apns, "TOKEN_AGE_SECONDS", 10**6)  # so that the first is old
    account = apns.read_account(credential())
    expired = account.token()
    renewed = account.token_after(expired)
    assert renewed != expired
    assert account.token_after(expired) == renewed == account.token()


def test_alert_and_background_pushes() -> None:
    alert = PushSend(token="ab", title="t", data={"k": "v"}, ttl=0)
    assert apns_payload(alert) == {"k": "v", "aps": {"alert": {"title": "t"}}}
    sent = apns.headers("org.shop.app", alert, "jwt")
    assert (sent["apns-push-type"], sent["apns-priority"], sent["apns-expiration"]) == ("alert", "10", "0")
    silent, began = PushSend(token="ab", data={"k": "v"}, ttl=60), int(time.time())
    assert apns_payload(silent) == {"k": "v", "aps": {"content-available": 1}}
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
def test_the_error_for_a_malformed_file_quotes_nothing_of_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "apns.default.json").write_text(text)
    cache = CredentialCache(Apps(Settings(apps_dir=tmp_path)), "apns", lambda app: apns.read_account(app.text))
    with pytest.raises(Fail) as failed:
        cache.get("default")
    assert failed.value.failure.code == "bad_credential"
    assert "5ecret" not in f"{failed.value.failure}{failed.value!r}"
    assert failed.value.__suppress_context__


def test_no_repr_shows_a_secret() -> None:
    account = apns.read_account(credential())
    token = account.token()
    assert token not in repr(account)
    assert "PrivateKey" not in repr(account)
