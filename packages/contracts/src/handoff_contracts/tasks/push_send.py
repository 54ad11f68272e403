"""`push.send` sends one notification to one device."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from handoff_contracts.contract import Contract, Payload, Policy, Result
from handoff_contracts.credential_name import CredentialName
from handoff_contracts.json_number import JSON_NUMBER
from handoff_contracts.queues import BULK

# Printable and without spaces: URLs and log lines contain tokens.
DeviceToken = Annotated[str, StringConstraints(min_length=1, max_length=4096, pattern=r"^[\x21-\x7e]+$")]


class PushSend(Payload):
    """A notification for one device."""

    token: DeviceToken = Field(description="The provider's token of the device")
    title: str | None = Field(default=None, max_length=256, description="Title of the notification")
    body: str | None = Field(default=None, max_length=4096, description="Text of the notification")
    data: dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=1024)]] = Field(
        default_factory=dict, max_length=64, description="Values for the app on the device"
    )
    ttl: Annotated[int, Field(ge=0, le=2_419_200), JSON_NUMBER] | None = Field(
        default=None, description="Seconds that the provider keeps an undelivered notification"
    )
    provider: Literal["log", "fcm", "sns", "apns", "webpush"] = Field(
        default="log", description="The push provider; log only writes to a file"
    )
    app: CredentialName = Field(default="default", description="Name of the provider's credential")


class PushReceipt(Result):
    """The provider's response to one notification."""

    provider: str = Field(description="The push provider")
    category: Literal["delivered"] = Field(description="Response category of the provider")
    id: str = Field(default="", description="The provider's id of the notification")


PUSH_SEND = Contract(
    name="push.send",
    version=1,
    payload=PushSend,
    result=PushReceipt,
    summary="Send one push notification to one device.",
    queue=BULK,
    policy=Policy(pack=2000, concurrency=100, time_limit=30.0),
)
