"""Signatures, verified by the standard's own library."""

import json
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from handoff_worker.delivery.apps import Apps
from handoff_worker.errors import Fail
from handoff_worker.providers.http_request.signature import WebhookSigner
from handoff_worker.settings import Settings

OLD = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
NEW = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
BODY = '{"order": 7, "name": "Zoë"}'.encode()


@pytest.fixture
def signer(tmp_path: Path) -> WebhookSigner:
    return WebhookSigner(Apps(Settings(apps_dir=tmp_path)))


def write(folder: Path, secret: object) -> None:
    folder.joinpath("webhook.shop.json").write_text(secret if isinstance(secret, str) else json.dumps(secret))


def test_a_receiver_verifies_the_signature(signer: WebhookSigner, tmp_path: Path) -> None:
    write(tmp_path, {"secret": OLD})
    headers = signer.sign("shop", "01task.0.7", BODY)
    assert headers["webhook-id"] == "01task.0.7"
    Webhook(OLD).verify(BODY, dict(headers))
    for secret, body in ((OTHER, BODY), (OLD, BODY + b" ")):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, dict(headers))


def test_during_a_replacement_a_receiver_may_have_either_secret(signer: WebhookSigner, tmp_path: Path) -> None:
    write(tmp_path, {"secret": [NEW, OLD]})
    headers = dict(signer.sign("shop", "01task", BODY))
    for secret in (NEW, OLD):
        Webhook(secret).verify(BODY, headers)


def test_a_replaced_secret_signs_no_more(signer: WebhookSigner, tmp_path: Path) -> None:
    write(tmp_path, {"secret": OLD})
    signer.sign("shop", "01task", BODY)
    write(tmp_path, {"secret": NEW})
    headers = dict(signer.sign("shop", "01task", BODY))
    Webhook(NEW).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(BODY, headers)


@pytest.mark.parametrize(
    "secret",
    [
        "5ecret, no JSON",
        {},
        {"secret": []},
        {"secret": "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"},
        {"secret": "whsec_5ecret"},
        {"secret": "whsec_" + "A" * 100},
        {"secret": "whsec_5ecret-5ecret-5ecret-5ecret-5ecret"},
        {"secret": OLD, "key": "5ecret"},
    ],
)
def test_the_error_for_a_malformed_file_quotes_nothing_of_it(
    signer: WebhookSigner, tmp_path: Path, secret: object
) -> None:
    write(tmp_path, secret)
    with pytest.raises(Fail) as raised:
        signer.sign("shop", "01task", BODY)
    assert raised.value.failure.code == "bad_credential"
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
    assert "5ecret" not in repr(raised.value.failure)
