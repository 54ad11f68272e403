"""Handles `email.send`."""

from functools import partial

from handoff_contracts.tasks.email_send import EMAIL_SEND, EmailReceipt, EmailSend
from handoff_worker.binding import handles
from handoff_worker.delivery.channel import send_through
from handoff_worker.resources import Resources
from handoff_worker.task_id import current_task_id


@handles(EMAIL_SEND)
async def email_send(email: EmailSend, resources: Resources) -> EmailReceipt:
    server = resources.mail()[email.app]
    message_id = server.message_id(email, current_task_id())
    send = partial(server.send, email, message_id)
    response = await send_through(server.channel, resources.rate_limiter, send, recipient=email.to)
    return EmailReceipt(category="delivered", message_id=message_id, id=response.id)
