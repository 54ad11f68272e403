"""FCM's message for a notification."""

from typing import Any

from handoff_contracts.tasks.push_send import PushSend


def fcm_message(push: PushSend, now: float) -> dict[str, Any]:
    """FCM's `Message`, in the form that firebase-admin writes. Each platform has its own field for the time to live.

    `now`: Unix time in seconds, from which `ttl` counts.
    """
    message: dict[str, Any] = {"token": push.token}
    texts = {"title": push.title, "body": push.body}
    if notification := {name: text for name, text in texts.items() if text is not None}:
        message["notification"] = notification
    if push.data:
        message["data"] = push.data
    if push.ttl is not None:
        expiration = int(now) + push.ttl if push.ttl else 0  # 0: deliver now or never
        message["android"] = {"ttl": f"{push.ttl}s"}
        message["apns"] = {"headers": {"apns-expiration": str(expiration)}}
        message["webpush"] = {"headers": {"TTL": str(push.ttl)}}
    return message
