"""Handles `push.send`."""

from handoff_contracts.tasks.push_send import PUSH_SEND, PushReceipt, PushSend
from handoff_worker.binding import handles
from handoff_worker.resources import Resources


@handles(PUSH_SEND)
async def push_send(push: PushSend, resources: Resources) -> PushReceipt:
    return await resources.push[push.provider].send(push)
