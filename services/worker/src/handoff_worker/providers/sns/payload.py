"""SNS's message for a notification: one text for each platform that it may go to."""

import time
from collections.abc import Iterator

from pydantic_core import to_json

from handoff_contracts.tasks.push_send import PushSend
from handoff_worker.providers.apns.payload import apns_payload, push_type
from handoff_worker.providers.fcm.payload import fcm_message

PLATFORMS = ("GCM", "APNS", "APNS_SANDBOX")


def sns_message(push: PushSend, platform: str = "") -> dict[str, str]:
    """The parameters of a Publish or of an entry of PublishBatch, for one platform or, for a topic, for all."""
    platforms = [name for name in PLATFORMS if platform in ("", name)]
    texts = {name: fcm_text(push) if name == "GCM" else to_json(apns_payload(push)).decode() for name in platforms}
    default = push.body or push.title or "Notification"  # SNS requires it; no supported platform shows it
    parameters = {"Message": to_json({"default": default, **texts}).decode(), "MessageStructure": "json"}
    for at, (name, text) in enumerate(message_attributes(push, platforms), 1):
        entry = f"MessageAttributes.entry.{at}"
        parameters |= {f"{entry}.Name": f"AWS.SNS.MOBILE.{name}", f"{entry}.Value.DataType": "String"}
        parameters[f"{entry}.Value.StringValue"] = text
    return parameters


def fcm_text(push: PushSend) -> str:
    """FCM's message without its token, which SNS fills in."""
    message = fcm_message(push, time.time())
    del message["token"]
    return to_json({"fcmV1Message": {"message": message}}).decode()


def message_attributes(push: PushSend, platforms: list[str]) -> Iterator[tuple[str, str]]:
    """The message attributes, which SNS passes to the platforms."""
    if "APNS" in platforms or "APNS_SANDBOX" in platforms:
        kind = push_type(push)
        yield "APNS.PUSH_TYPE", kind
        yield "APNS.PRIORITY", "10" if kind == "alert" else "5"
    if push.ttl is not None:
        for platform in platforms:
            yield f"{platform}.TTL", str(push.ttl)
