"""Handles `email.send`."""

from functools import partial

from handoff_contracts.tasks.email_send import EMAIL_SEND, EmailReceipt, EmailSend
from handoff_worker.binding import handles
from handoff_worker.delivery.channel import send_through
from handoff_worker.resources import Resources
from handoff_worker.task_id import current_task_id


@handles(EMAIL_SEND)
async def email_send(mail: EmailSend, resources: Resources) -> EmailReceipt:
    server = resources.mail()[mail.app]
    message_id = server.message_id(mail, current_task_id())
    send = partial(server.send, mail, message_id)
    answer = await send_through(server.channel, resources.pace, send, recipient=mail.to)
    return EmailReceipt(verdict="delivered", message_id=message_id, id=answer.id)
