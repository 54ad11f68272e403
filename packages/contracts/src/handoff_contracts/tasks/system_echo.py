"""`system.echo`: gives back what it was given; for smoke tests and benchmarks."""

from pydantic import Field

from handoff_contracts.contract import Contract, Payload, Policy, Result


class Echo(Payload):
    """Something to give back."""

    message: str = Field(default="", max_length=65_536)


class Echoed(Result):
    """What was given."""

    message: str


SYSTEM_ECHO = Contract(
    name="system.echo",
    version=1,
    payload=Echo,
    result=Echoed,
    summary="Give back the message.",
    policy=Policy(pack=500, concurrency=50, time_limit=10.0),
)
