"""`system.echo` returns its message, for smoke tests and benchmarks."""

from pydantic import Field

from handoff_contracts.contract import Contract, Payload, Policy, Result


class Echo(Payload):
    """A message to return."""

    message: str = Field(default="", max_length=65_536, description="The message")


class Echoed(Result):
    """The returned message."""

    message: str = Field(description="The message of the payload")


SYSTEM_ECHO = Contract(
    name="system.echo",
    version=1,
    payload=Echo,
    result=Echoed,
    summary="Return the message.",
    policy=Policy(pack=500, concurrency=50, time_limit=10.0),
)
