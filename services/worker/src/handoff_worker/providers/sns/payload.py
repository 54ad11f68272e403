"""A notification as SNS takes it: one text for each platform that it may go to."""

import time
from collections.abc import Iterator

from pydantic_core import to_json

from handoff_contracts.tasks.push_send import PushSend
from handoff_worker.providers.apns import payload as aps
from handoff_worker.providers.fcm.client import message as fcm_message

PLATFORMS = ("GCM", "APNS", "APNS_SANDBOX")


def message(push: PushSend, platform: str = "") -> dict[str, str]:
    """The parameters of a Publish, or of an entry of a PublishBatch: for one platform, or for all of a topic's."""
    platforms = [name for name in PLATFORMS if platform in ("", name)]
    texts = {name: fcm(push) if name == "GCM" else to_json(aps.notification(push)).decode() for name in platforms}
    default = push.body or push.title or "Notification"  # SNS wants one, and no platform of ours shows it
    parameters = {"Message": to_json({"default": default, **texts}).decode(), "MessageStructure": "json"}
    for at, (name, text) in enumerate(attributes(push, platforms), 1):
        entry = f"MessageAttributes.entry.{at}"
        parameters |= {f"{entry}.Name": f"AWS.SNS.MOBILE.{name}", f"{entry}.Value.DataType": "String"}
        parameters[f"{entry}.Value.StringValue"] = text
    return parameters


def fcm(push: PushSend) -> str:
    """FCM's own message, whose device SNS fills in."""
    written = fcm_message(push, time.time())
    del written["token"]
    return to_json({"fcmV1Message": {"message": written}}).decode()


def attributes(push: PushSend, platforms: list[str]) -> Iterator[tuple[str, str]]:
    """What SNS tells the platforms beside the message."""
    if "APNS" in platforms or "APNS_SANDBOX" in platforms:
        kind = aps.push_type(push)
        yield "APNS.PUSH_TYPE", kind
        yield "APNS.PRIORITY", "10" if kind == "alert" else "5"
    if push.ttl is not None:
        for platform in platforms:
            yield f"{platform}.TTL", str(push.ttl)
