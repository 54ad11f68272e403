"""`push.send`: one notification to one device."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from handoff_contracts.contract import Contract, Payload, Policy, Result
from handoff_contracts.json_number import JSON_NUMBER
from handoff_contracts.queues import BULK

# Printable and without spaces: a token ends up in URLs and in the lines of a log.
DeviceToken = Annotated[str, StringConstraints(min_length=1, max_length=4096, pattern=r"^[\x21-\x7e]+$")]


class PushSend(Payload):
    """A notification and the device it goes to."""

    token: DeviceToken
    title: str | None = Field(default=None, max_length=256)
    body: str | None = Field(default=None, max_length=4096)
    data: dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=1024)]] = Field(
        default_factory=dict, max_length=64
    )
    ttl: Annotated[int, Field(ge=0, le=2_419_200), JSON_NUMBER] | None = Field(
        default=None, description="Seconds for which it is of use"
    )
    provider: Literal["log", "fcm", "sns", "apns", "webpush"] = "log"
    app: str = Field(default="default", pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="The provider's credential")


class PushReceipt(Result):
    """What the provider said of one notification."""

    provider: str
    category: Literal["delivered"] = Field(description="How the provider answered")
    id: str = Field(default="", description="The provider's own name for it")


PUSH_SEND = Contract(
    name="push.send",
    version=1,
    payload=PushSend,
    result=PushReceipt,
    summary="Send one push notification to one device.",
    queue=BULK,
    policy=Policy(pack=2000, concurrency=100, time_limit=30.0),
)
