"""The payload for Apple's devices, sent through APNs itself and through SNS."""

from typing import Any, Literal

from handoff_contracts.tasks.push_send import PushSend


def push_type(push: PushSend) -> Literal["alert", "background"]:
    """Apple's push type: without a text, a notification only wakes its app in the background."""
    return "background" if push.title is None and push.body is None else "alert"


def apns_payload(push: PushSend) -> dict[str, Any]:
    """Apple's own fields under `aps`, with `data` beside it."""
    texts = {"title": push.title, "body": push.body}
    alert = {name: text for name, text in texts.items() if text is not None}
    return {**push.data, "aps": {"alert": alert} if alert else {"content-available": 1}}
