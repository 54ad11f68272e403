"""A contract and handlers that run in the test's own process."""

from collections.abc import Awaitable, Callable

from handoff_contracts import Contract, Payload, Policy, Result
from handoff_worker.execution.run_result import RunResult
from handoff_worker.resources import Resources


class Ask(Payload):
    text: str = ""
    common: str = ""


class Answer(Result):
    text: str


ASK = Contract(
    name="test.ask",
    version=1,
    payload=Ask,
    result=Answer,
    summary="A test.",
    policy=Policy(max_attempts=2, backoff=0.05, pack=10, concurrency=3),
)
ME = "this worker"
Handler = Callable[[Ask, Resources], Answer] | Callable[[Ask, Resources], Awaitable[Answer]]
Run = Callable[[str, Handler], RunResult]


async def echo(ask: Ask, _: Resources) -> Answer:
    return Answer(text=ask.text)


async def unwanted(ask: Ask, _: Resources) -> Answer:
    raise AssertionError("a refused task ran")


class Drain:
    """Whether the worker stops."""

    asked = False

    def __call__(self) -> bool:
        return self.asked
