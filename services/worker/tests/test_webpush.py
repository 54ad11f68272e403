"""Web push: RFC 8291's own example, what push services response, and where nothing is ever sent."""

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import Url

from handoff_contracts.tasks.push_send import PushSend
from handoff_worker.delivery.http import Reply
from handoff_worker.delivery.responses import Category, delivered
from handoff_worker.errors import CODE
from handoff_worker.providers.es256 import base64url
from handoff_worker.providers.webpush import client as webpush
from handoff_worker.providers.webpush import ece, vapid
from handoff_worker.providers.webpush.responses import categorize_push_service_reply

SECRET = base64url((7).to_bytes(32, "big"))
P256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
ENDPOINT = "https://updates.push.services.mozilla.com/wpush/v2/abc"
FCM_MISMATCH = (
    b"the VAPID credentials in the authorization header do not correspond to the credentials used to create the"
    b" subscriptions."
)
GONE, RETRY, BAD = Category.RECIPIENT_GONE, Category.RETRY, Category.PAYLOAD_REJECTED
REJECTED = Category.CREDENTIAL_REJECTED


def credential(**other: Any) -> str:
    return json.dumps({"private_key": SECRET, "subject": "mailto:push@example.org"} | other)


def subscription(endpoint: str = ENDPOINT, p256dh: str = P256DH, auth: str = AUTH) -> str:
    """As `JSON.stringify` writes a browser's one."""
    keys = {"p256dh": p256dh, "auth": auth}
    return json.dumps({"endpoint": endpoint, "expirationTime": None, "keys": keys}, separators=(",", ":"))


def test_a_subscription_is_a_token() -> None:
    push = PushSend(token=subscription(), provider="webpush")
    parsed = webpush.read_subscription(push.token)
    assert parsed
    assert (parsed.endpoint, parsed.keys.p256dh, parsed.keys.auth) == (ENDPOINT, P256DH, AUTH)


def test_it_encrypts_as_the_rfcs_example() -> None:
    key = ec.derive_private_key(
        int.from_bytes(ece.decode_base64url("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big"), ec.SECP256R1()
    )
    salt = ece.decode_base64url("DGv6ra1nlYgDCS1FRnbzlw")
    body = ece.encrypt_with(b"When I grow up, I want to be a watermelon", ece.read_keys(P256DH, AUTH), key, salt)
    assert base64url(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
        "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_what_is_encrypted_fits_what_push_services_take() -> None:
    keys = ece.read_keys(P256DH, AUTH)
    assert len(ece.encrypt(b"x" * ece.CONTENT_LIMIT, keys)) == 4096
    with pytest.raises(ValueError, match="longer than"):
        ece.encrypt(b"x" * (ece.CONTENT_LIMIT + 1), keys)
    assert ece.encrypt(b"x", keys)[:86] != ece.encrypt(b"x", keys)[:86]


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [("", AUTH), (P256DH[:-2], AUTH), ("BA" + P256DH[2:], AUTH), (P256DH, ""), (P256DH, "AAAA"), ("ä", AUTH)],
)
def test_malformed_keys_are_refused(p256dh: str, auth: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        ece.read_keys(p256dh, auth)


@pytest.mark.parametrize(
    ("status", "body", "category", "reason"),
    [
        (400, b"", BAD, "http_400"),
        (400, b'{"reason":"VapidPkHashMismatch"}', BAD, "vapid_key_mismatch"),  # Apple
        (400, b"<p>UnauthorizedRegistration</p>", BAD, "vapid_key_mismatch"),  # FCM, before
        (401, b'{"errno":109,"message":"VAPID public key mismatch"}', BAD, "vapid_key_mismatch"),  # Mozilla
        (401, b'{"errno":109,"message":"Invalid Authentication"}', REJECTED, "http_401"),
        (403, b'{"reason":"BadJwtToken"}', REJECTED, "http_403"),
        (403, FCM_MISMATCH, BAD, "vapid_key_mismatch"),
        (404, b"", GONE, "http_404"),
        (406, b"", RETRY, "http_406"),
        (410, b"push subscription has unsubscribed or expired.", GONE, "http_410"),
        (413, b"", BAD, "http_413"),
        (429, b"", RETRY, "http_429"),
        (307, b"", BAD, "http_307"),
        (500, b"", RETRY, "http_500"),
        (502, b"<html>", RETRY, "http_502"),
        (503, b"", RETRY, "http_503"),
    ],
)
def test_every_reply_has_a_category(status: int, body: bytes, category: Category, reason: str) -> None:
    response = categorize_push_service_reply(Reply(status, {"retry-after": "9"}, body))
    assert (response.category, response.reason) == (category, reason)
    assert CODE.fullmatch(response.reason)
    assert response.throttled == (status in (406, 429))
    assert response.retry_after == (None if reason == "vapid_key_mismatch" else 9.0)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_an_accepted_push_has_the_services_id(status: int) -> None:
    assert categorize_push_service_reply(Reply(status, {"location": "https://push.example/m/abc"}, b"")) == delivered(
        "abc"
    )


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/fcm/send/x",
        "https://127.0.0.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "https://2130706433/x",
        "https://0x7f.1/x",
        "https://evil.example/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://evilpush.apple.com/x",
        "https://fcm.googleapis.com@evil.example/x",
        "https://user:pw@fcm.googleapis.com/x",
        "https://evil.example\\@fcm.googleapis.com/x",
        "https://evil.example#.fcm.googleapis.com/x",
        "https://evil.example?.fcm.googleapis.com/x",
        "https://fcm.googleapis.com:8443/x",
        "https://fcm.googleapis.com./x",
        "https://fcm.googleapis.com",
        "https://FCM.googleapis.com/x",
        "https://fcm.googleapis.com/x\n",
        "https://fcm.googleapis.com/x#y",
        "https:/fcm.googleapis.com/x",
        "file:///etc/passwd",
        "gopher://fcm.googleapis.com/x",
        "",
    ],
)
def test_other_endpoints_are_not_trusted(endpoint: str) -> None:
    assert vapid.read_identity(credential()).service(endpoint) == ""


@pytest.mark.parametrize(
    ("endpoint", "service"),
    [
        ("https://fcm.googleapis.com/fcm/send/c1K-_:APA91b", "fcm.googleapis.com"),
        ("https://fcm.googleapis.com/wp/c1K-_:APA91b", "fcm.googleapis.com"),
        (ENDPOINT, "push.services.mozilla.com"),
        ("https://web.push.apple.com/QGuQyavXutnMH", "push.apple.com"),
        ("https://wns2-par02p.notify.windows.com/w/?token=BQYAAAD%2fz%2b", "notify.windows.com"),
    ],
)
def test_the_browsers_push_services_are_trusted(endpoint: str, service: str) -> None:
    assert vapid.read_identity(credential()).service(endpoint) == service


@settings(deadline=None)
@given(st.text(max_size=20), st.sampled_from("\\@#?/:%;\t ."), st.text(max_size=20))
def test_the_http_client_reads_the_same_host(before: str, joint: str, after: str) -> None:
    endpoint = f"https://{before}{joint}{after}.push.apple.com/x"
    if vapid.read_identity(credential()).service(endpoint):
        host = Url(endpoint).host  # a WHATWG parser, as the client's is
        assert host
        assert host.endswith(".push.apple.com")


def test_the_operator_can_name_other_hosts() -> None:
    identity = vapid.read_identity(credential(hosts=["push.shop.example", "localhost:8443"]))
    assert identity.service("https://a.push.shop.example/x") == "push.shop.example"
    assert identity.service("https://localhost:8443/x") == "localhost:8443"
    assert identity.service("https://localhost/x") == ""
    assert identity.service("https://fcm.googleapis.com/x") == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        credential(private_key="5ecret"),
        credential(private_key=base64url(bytes(32))),
        credential(subject="push@example.org"),
        credential(hosts=[]),
        credential(hosts=[""]),
        credential(hosts=["*.example.org"]),
        credential(more="5ecret"),
    ],
)
def test_a_malformed_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*") as failed:
        vapid.read_identity(text)
    assert "5ecret" not in str(failed.value)


def test_a_token_is_for_one_origin_and_is_reused(monkeypatch: pytest.MonkeyPatch) -> None:
    identity = vapid.read_identity(credential())
    now = 1_800_000_000.0
    told = vapid.authorization(identity, ENDPOINT, now)
    scheme, first, second = told.replace(",", "").split(" ")
    assert (scheme, second) == ("vapid", f"k={identity.public}")
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), ece.decode_base64url(second[2:]))
    claims = jwt.decode(
        first[2:],
        public,
        ["ES256"],
        audience="https://updates.push.services.mozilla.com",
        options={"verify_exp": False},
    )
    assert claims["sub"] == "mailto:push@example.org"
    assert 12 * 3600 <= claims["exp"] - now <= 13 * 3600
    assert vapid.authorization(identity, ENDPOINT + "other", now) is told
    assert vapid.authorization(identity, "https://web.push.apple.com/x", now) != told
    assert vapid.authorization(identity, ENDPOINT, now + 3600) != told
    assert SECRET not in repr(identity)
    assert "PrivateKey" not in repr(identity)


def test_a_malformed_subscription_is_none() -> None:
    assert webpush.read_subscription("abc") is None
    assert webpush.read_subscription('{"endpoint":"https://fcm.googleapis.com/x"}') is None
