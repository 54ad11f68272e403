"""Handles `push.send`."""

from functools import partial

from handoff_contracts.tasks.push_send import PUSH_SEND, PushReceipt, PushSend
from handoff_worker.binding import handles
from handoff_worker.delivery.channel import send_through
from handoff_worker.resources import Resources


@handles(PUSH_SEND)
async def push_send(push: PushSend, resources: Resources) -> PushReceipt:
    provider = resources.push[push.provider]
    send = partial(provider.send, push)
    response = await send_through(provider.channel(push), resources.rate_limiter, send, recipient=push.token)
    return PushReceipt(provider=push.provider, category="delivered", id=response.id)
