"""A handler can read its task's id, which is the same in every attempt and different for every item."""

from handoff_ledger import State
from handoff_worker.errors import Retry
from handoff_worker.resources import Resources
from handoff_worker.task_id import current_task_id
from tests.integration.worker.bench import Bench
from tests.integration.worker.runs import ASK, Answer, Ask, Run


def test_a_task_has_its_id_in_every_attempt(bench: Bench, run: Run) -> None:
    names: list[str] = []

    def blocking(ask: Ask, _: Resources) -> Answer:
        names.append(current_task_id())
        if len(names) % 2:
            raise Retry("busy")
        return Answer(text="")

    async def asynchronous(ask: Ask, resources: Resources) -> Answer:
        return blocking(ask, resources)

    for handler in (blocking, asynchronous):
        id = bench.accept(ASK, {})
        run(id, handler)
        assert bench.due_again(id)
        assert run(id, handler).state is State.SUCCEEDED
        assert names == [id, id]
        names.clear()


def test_an_item_has_its_own_id_in_every_attempt(bench: Bench, run: Run) -> None:
    names: dict[str, list[str]] = {}

    def blocking(ask: Ask, _: Resources) -> Answer:
        names.setdefault(ask.text, []).append(current_task_id())
        if len(names[ask.text]) == 1 and ask.text != "0":
            raise Retry("busy")
        return Answer(text="")

    async def asynchronous(ask: Ask, resources: Resources) -> Answer:
        return blocking(ask, resources)

    for handler in (blocking, asynchronous):
        batch = bench.accept_batch(ASK, {}, [{"text": str(number)} for number in range(12)])
        for pack in (f"{batch}.0", f"{batch}.1"):
            run(pack, handler)
            assert bench.due_again(pack)
            assert run(pack, handler).state is State.SUCCEEDED
        expected = {str(at): [f"{batch}.{at // 10}.{at % 10}"] * (1 if at == 0 else 2) for at in range(12)}
        assert names == expected
        names.clear()
