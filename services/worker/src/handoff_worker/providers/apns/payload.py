"""What Apple's devices are sent, by APNs itself and through SNS."""

from typing import Any, Literal

from handoff_contracts.tasks.push_send import PushSend


def push_type(push: PushSend) -> Literal["alert", "background"]:
    """What shows nothing only wakes its app."""
    return "background" if push.title is None and push.body is None else "alert"


def notification(push: PushSend) -> dict[str, Any]:
    """Apple's own part under `aps`, and `data` beside it."""
    texts = {"title": push.title, "body": push.body}
    alert = {name: text for name, text in texts.items() if text is not None}
    return {**push.data, "aps": {"alert": alert} if alert else {"content-available": 1}}
