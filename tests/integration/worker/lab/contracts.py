"""Contracts for tests: what each handler does is in its payload, and every run leaves a line in the file `effects`."""

from handoff_contracts.contract import Contract, Payload, Policy, Result
from handoff_contracts.queues import DOCUMENTS


class Job(Payload):
    """`effects` names a file, `name` is what its lines say, `seconds` is how long the work takes."""

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
    summary="Turns for ever.",
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
    summary="Does what its name says, raise or die; else it blocks its process for the seconds it was told.",
    policy=Policy(max_attempts=2, backoff=0.1),
)
