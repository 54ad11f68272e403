"""Signatures, verified by the standard's own library."""

import json
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from handoff_worker.delivery.apps import App, Apps
from handoff_worker.errors import Fail
from handoff_worker.providers.outbound.signature import signed
from handoff_worker.settings import Settings

OLD = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
NEW = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
BODY = '{"order": 7, "name": "Zoë"}'.encode()


def app(folder: Path, secret: object) -> App:
    folder.joinpath("webhook.shop.json").write_text(secret if isinstance(secret, str) else json.dumps(secret))
    return Apps(Settings(apps_dir=folder)).get("webhook", "shop")


def test_a_receiver_verifies_it(tmp_path: Path) -> None:
    headers = signed(app(tmp_path, {"secret": OLD}), "01task.0.7", BODY)
    assert headers["webhook-id"] == "01task.0.7"
    Webhook(OLD).verify(BODY, dict(headers))
    for secret, body in ((OTHER, BODY), (OLD, BODY + b" ")):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, dict(headers))


def test_while_a_secret_is_replaced_a_receiver_may_have_either(tmp_path: Path) -> None:
    headers = dict(signed(app(tmp_path, {"secret": [NEW, OLD]}), "01task", BODY))
    for secret in (NEW, OLD):
        Webhook(secret).verify(BODY, headers)


def test_a_secret_that_was_replaced_signs_no_more(tmp_path: Path) -> None:
    signed(app(tmp_path, {"secret": OLD}), "01task", BODY)
    headers = dict(signed(app(tmp_path, {"secret": NEW}), "01task", BODY))
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
def test_a_malformed_file_is_told_without_a_word_of_it(tmp_path: Path, secret: object) -> None:
    with pytest.raises(Fail) as raised:
        signed(app(tmp_path, secret), "01task", BODY)
    assert raised.value.failure.code == "bad_credential"
    assert raised.value.__cause__ is None
    assert "5ecret" not in repr(raised.value.failure)
