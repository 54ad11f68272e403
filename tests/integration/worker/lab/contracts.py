"""Contracts for tests. The payload controls the handler, which appends its steps to the file `effects`."""

from handoff_contracts.contract import Contract, Payload, Policy, Result
from handoff_contracts.queues import DOCUMENTS


class Job(Payload):
    """`effects`: the path of the file. `name`: the job in its lines. `seconds`: how long the work takes."""

    effects: str
    name: str = "job"
    seconds: float = 0.0


class Report(Result):
    name: str


WAIT = Contract(
    name="lab.wait",
    version=1,
    payload=Job,
    result=Report,
    summary="Waits on the event loop.",
    policy=Policy(pack=20, concurrency=5, backoff=0.1, max_attempts=3),
)
BLOCK = Contract(
    name="lab.block",
    version=1,
    payload=Job,
    result=Report,
    summary="Blocks its process.",
    queue=DOCUMENTS,
    policy=Policy(max_attempts=3),
)
SPIN = Contract(
    name="lab.spin",
    version=1,
    payload=Job,
    result=Report,
    summary="Loops forever.",
    policy=Policy(time_limit=2, max_attempts=1),
)
DIE = Contract(
    name="lab.die",
    version=1,
    payload=Job,
    result=Report,
    summary="Kills its process.",
    policy=Policy(max_attempts=2),
)
ACT = Contract(
    name="lab.act",
    version=1,
    payload=Job,
    result=Report,
    summary="Raises or dies if its name says so, and blocks its process otherwise.",
    policy=Policy(max_attempts=2, backoff=0.1),
)
