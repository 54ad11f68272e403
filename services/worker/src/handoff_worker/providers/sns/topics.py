"""Publishes notifications to topics. Those to one topic at the same time share one PublishBatch."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlencode

from handoff_worker.delivery import http
from handoff_worker.delivery.responses import Category, ProviderResponse, delivered
from handoff_worker.providers.sns.api import SnsApi
from handoff_worker.providers.sns.responses import categorize_sns_error
from handoff_worker.providers.sns.xml import element_text, list_members

LINGER_SECONDS = 0.005  # the first notification to a topic waits so long for others
BATCH_ENTRIES = 10
BATCH_BYTES = 256 * 1024  # of all messages of a batch
Message = Mapping[str, str]
Waiting = tuple[Message, asyncio.Future[ProviderResponse]]


class Topics:
    """Publishes to topics. The first call for a topic also sends the notifications of calls that follow soon."""

    def __init__(self, api: SnsApi) -> None:
        self._api = api
        self._waiting: dict[str, list[Waiting]] = {}

    async def publish(self, topic: str, message: Message) -> ProviderResponse:
        mine: Waiting = message, asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(topic, [])
        waiting.append(mine)
        if mine is waiting[0]:
            await self._lead(topic, waiting)
        return await mine[1]

    async def _lead(self, topic: str, waiting: list[Waiting]) -> None:
        try:
            try:
                await asyncio.sleep(LINGER_SECONDS)
            finally:
                del self._waiting[topic]
            await asyncio.gather(*(self._publish_batch(topic, batch) for batch in split_batches(waiting)))
        finally:
            for _, future in waiting:  # the first call was cancelled before the replies came
                if not future.done():
                    future.set_result(ProviderResponse(Category.UNKNOWN, "cancelled"))

    async def _publish_batch(self, topic: str, batch: Sequence[Waiting]) -> None:
        responses = await self._publish_all(topic, [message for message, _ in batch])
        for (_, future), response in zip(batch, responses, strict=True):
            if not future.done():
                future.set_result(response)

    async def _publish_all(self, topic: str, messages: Sequence[Message]) -> list[ProviderResponse]:
        try:
            if len(messages) == 1:
                xml = await self._api.call("Publish", {"TopicArn": topic, **messages[0]})
                return [delivered(element_text("MessageId", xml))]
            parameters = {"TopicArn": topic}
            for at, message in enumerate(messages, 1):
                entry = f"PublishBatchRequestEntries.member.{at}"
                parameters |= {f"{entry}.Id": str(at)} | {f"{entry}.{name}": text for name, text in message.items()}
            return read_batch(await self._api.call("PublishBatch", parameters), len(messages))
        except http.RequestFailed as error:
            return [blame_topic(error.response)] * len(messages)


def blame_topic(response: ProviderResponse) -> ProviderResponse:
    """Turns a missing permission into `payload_rejected`: the client chose the topic, so the credential is fine."""
    denied = response.reason in ("authorization_error", "access_denied")
    return replace(response, category=Category.PAYLOAD_REJECTED) if denied else response


def read_batch(xml: str, count: int) -> list[ProviderResponse]:
    """The responses to the entries 1 to `count` of a batch, which SNS may have accepted only in part."""
    responses: dict[str, ProviderResponse] = {}
    for member in list_members("Successful", xml):
        responses[element_text("Id", member)] = delivered(element_text("MessageId", member))
    for member in list_members("Failed", xml):
        status = 400 if element_text("SenderFault", member) == "true" else 500
        error = categorize_sns_error(status, element_text("Code", member))
        responses[element_text("Id", member)] = blame_topic(error)
    missing = ProviderResponse(Category.UNKNOWN, "untold")
    return [responses.get(str(at), missing) for at in range(1, count + 1)]


def split_batches(waiting: Sequence[Waiting]) -> list[list[Waiting]]:
    """The notifications in order, in as few batches as the limits of SNS allow."""
    made: list[list[Waiting]] = []
    size = 0
    for entry in waiting:
        entry_bytes = len(urlencode(entry[0]))
        size += entry_bytes
        if not made or len(made[-1]) == BATCH_ENTRIES or size > BATCH_BYTES:
            made.append([])
            size = entry_bytes
        made[-1].append(entry)
    return made
