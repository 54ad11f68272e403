"""FCM's message: it equals firebase-admin's and fits Google's schema."""

import json
from importlib.resources import files
from typing import Any

import pytest
from firebase_admin import messaging
from firebase_admin._messaging_encoder import MessageEncoder
from jsonschema import Draft4Validator

from handoff_contracts.tasks.push_send import PushSend
from handoff_worker.providers.fcm.payload import fcm_message

NOW = 1_800_000_000.0
PUSHES = [
    PushSend(token="t", title="Hello", body="World", data={"order": "7"}, ttl=3),
    PushSend(token="t", title="Only a title"),
    PushSend(token="t", body="Only a body", ttl=2_419_200),
    PushSend(token="t", data={"quiet": "yes"}, ttl=0),
    PushSend(token="t", title="", body="Grüße, 你好 \u2028 \U0001f600", data={"": ""}),
    PushSend(token="t"),
]


def firebase(push: PushSend) -> Any:
    """The message as firebase-admin encodes it."""
    timed: dict[str, Any] = {}
    if push.ttl is not None:
        expiration = str(int(NOW) + push.ttl) if push.ttl else "0"
        timed["android"] = messaging.AndroidConfig(ttl=push.ttl)
        timed["apns"] = messaging.APNSConfig(headers={"apns-expiration": expiration})
        timed["webpush"] = messaging.WebpushConfig(headers={"TTL": str(push.ttl)})
    notification = messaging.Notification(title=push.title, body=push.body)
    message = messaging.Message(token=push.token, notification=notification, data=push.data, **timed)
    return json.loads(json.dumps(message, cls=MessageEncoder))


@pytest.mark.filterwarnings("ignore:Message.token is deprecated")  # the field takes installation ids too
@pytest.mark.parametrize("push", PUSHES, ids=lambda push: push.model_dump_json(exclude_defaults=True))
def test_the_message_equals_firebase_admins(push: PushSend) -> None:
    assert fcm_message(push, NOW) == firebase(push)


@pytest.fixture(scope="module")
def schema() -> Draft4Validator:
    """Google's schema of the request, closed: a property that it does not name is none."""
    document = files("googleapiclient.discovery_cache").joinpath("documents/fcm.v1.json").read_text()
    schemas = json.loads(document)["schemas"]

    def closed(part: Any) -> Any:
        if isinstance(part, list):
            return [closed(one) for one in part]
        if not isinstance(part, dict):
            return part
        found = {name: closed(value) for name, value in part.items()}
        if "$ref" in found:
            return {"$ref": f"#/definitions/{found['$ref']}"}
        if found.get("type") == "object":
            found.setdefault("additionalProperties", False)
        return found

    for found in schemas.values():
        del found["id"]  # a name there, a base URI to the validator
    definitions = closed(schemas)
    return Draft4Validator({"$ref": "#/definitions/SendMessageRequest", "definitions": definitions})


@pytest.mark.parametrize("push", PUSHES, ids=lambda push: push.model_dump_json(exclude_defaults=True))
def test_googles_schema_allows_it(push: PushSend, schema: Draft4Validator) -> None:
    schema.validate({"message": fcm_message(push, NOW)})


@pytest.mark.parametrize("bad", [{"ttl": "3s"}, {"token": 7}, {"android": {"ttl": 3}}, {"notification": {"text": "x"}}])
def test_the_schema_refuses_invalid_messages(bad: dict[str, Any], schema: Draft4Validator) -> None:
    assert not schema.is_valid({"message": {"token": "t", **bad}})
