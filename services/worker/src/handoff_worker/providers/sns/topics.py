"""Notifications to topics: what is sent to one topic at once goes by one PublishBatch."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlencode

from handoff_worker.delivery import http
from handoff_worker.delivery.responses import Category, ProviderResponse, delivered
from handoff_worker.providers.sns.api import SnsApi, categorize_sns_error, members, value

LINGER_SECONDS = 0.005  # that the first waits for others
BATCH = 10  # entries
BATCH_BYTES = 256 * 1024  # of all messages of a batch
Message = Mapping[str, str]
Waiting = tuple[Message, asyncio.Future[ProviderResponse]]


class Topics:
    """Publishes to topics. The first that has something for a topic takes along what others have by then."""

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
            await asyncio.gather(*(self._batch(topic, batch) for batch in batches(waiting)))
        finally:
            for _, future in waiting:  # the leader was cancelled: the others know no more than it
                if not future.done():
                    future.set_result(ProviderResponse(Category.UNKNOWN, "cancelled"))

    async def _batch(self, topic: str, batch: Sequence[Waiting]) -> None:
        responses = await self._send(topic, [message for message, _ in batch])
        for (_, future), response in zip(batch, responses, strict=True):
            if not future.done():
                future.set_result(response)

    async def _send(self, topic: str, messages: Sequence[Message]) -> list[ProviderResponse]:
        try:
            if len(messages) == 1:
                text = await self._api.call("Publish", {"TopicArn": topic, **messages[0]})
                return [delivered(value("MessageId", text))]
            parameters = {"TopicArn": topic}
            for at, message in enumerate(messages, 1):
                entry = f"PublishBatchRequestEntries.member.{at}"
                parameters |= {f"{entry}.Id": str(at)} | {f"{entry}.{name}": text for name, text in message.items()}
            return outcomes(await self._api.call("PublishBatch", parameters), len(messages))
        except http.RequestFailed as error:
            return [own(error.response)] * len(messages)


def own(response: ProviderResponse) -> ProviderResponse:
    """A client names the topic: one that may not be published to is no fault of the credential."""
    denied = response.reason in ("authorization_error", "access_denied")
    return replace(response, category=Category.PAYLOAD_REJECTED) if denied else response


def outcomes(text: str, count: int) -> list[ProviderResponse]:
    """The responses to the entries 1 to `count`: a batch that SNS took may have failed in part."""
    told = {value("Id", member): delivered(value("MessageId", member)) for member in members("Successful", text)}
    for member in members("Failed", text):
        status = 400 if value("SenderFault", member) == "true" else 500
        told[value("Id", member)] = own(categorize_sns_error(status, value("Code", member)))
    return [told.get(str(at), ProviderResponse(Category.UNKNOWN, "untold")) for at in range(1, count + 1)]


def batches(waiting: Sequence[Waiting]) -> list[list[Waiting]]:
    """In order, as few as their limits allow."""
    made: list[list[Waiting]] = []
    size = 0
    for entry in waiting:
        bytes = len(urlencode(entry[0]))
        size += bytes
        if not made or len(made[-1]) == BATCH or size > BATCH_BYTES:
            made.append([])
            size = bytes
        made[-1].append(entry)
    return made
