"""Hostile documents in a real worker: each of its tasks ends, and none of its processes does."""

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from handoff_contracts.tasks.document_extract import DOCUMENT_EXTRACT
from handoff_ledger import State, calls
from process import wait_until
from services.worker.tests.hostile_ends import READ
from services.worker.tests.hostile_pdfs import HOSTILE
from services.worker.tests.pdf_builder import good
from stack import Worker
from tests.integration.worker.bench import LIMITS
from tests.integration.worker.floor import Floor, logs, pool

PATTERN = next(hostile for hostile in HOSTILE if hostile.name == "a pattern of itself").make()


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Floor]:
    with Floor(tmp_path_factory.mktemp("floor")) as floor:
        (floor.folder / "blobs").mkdir()
        yield floor


@pytest.fixture(scope="module")
def worker(floor: Floor) -> Worker:
    worker = floor.hire("documents", queues="documents", HANDOFF_BLOB_DIR=str(floor.folder / "blobs"))
    worker.wait_ready()
    return worker


def ask(floor: Floor, content: bytes, name: str = "good.pdf", **more: Any) -> str:
    (floor.folder / "blobs" / name).write_bytes(content)
    return floor.accept(DOCUMENT_EXTRACT, {"file": {"path": name}, **more})


def children(process: int) -> list[psutil.Process]:
    return psutil.Process(process).children(recursive=True)


def test_no_document_ends_a_process_of_the_worker(floor: Floor, worker: Worker) -> None:
    before = pool(worker)
    ids = [ask(floor, hostile.make(), f"{at}.pdf", pages=3) for at, hostile in enumerate(HOSTILE)]
    last = ask(floor, good())
    ended = (State.SUCCEEDED, State.FAILED)
    assert wait_until(lambda: all(floor.task(id).state in ended for id in ids), 300), logs([worker])[-2000:]
    for id, hostile in zip(ids, HOSTILE, strict=True):
        task = floor.task(id)
        assert (task.error.code if task.error else READ) in hostile.ends, hostile.name
        assert task.attempt == 1
    assert floor.reaches(last, State.SUCCEEDED, 30)
    assert pool(worker) == before
    assert not any(children(process) for process in before)


def test_a_document_by_its_bytes(floor: Floor, worker: Worker) -> None:
    id = floor.accept(DOCUMENT_EXTRACT, {"file": {"content": b64encode(good()).decode()}})
    assert floor.reaches(id, State.SUCCEEDED, 30)
    result: Any = floor.task(id).result
    assert result["pages"][0]["text"] == "Page 1"


def test_a_cancelled_task_leaves_no_process(floor: Floor, worker: Worker) -> None:
    before = pool(worker)
    id = ask(floor, PATTERN, "endless.pdf", images=True)
    assert wait_until(lambda: any(children(process) for process in before), 30)
    floor.ledger.run(calls.cancel(id, LIMITS))
    assert floor.reaches(id, State.CANCELLED, 30)
    assert not any(children(process) for process in before)
    assert pool(worker) == before


def test_a_pool_process_that_dies_takes_its_document_with_it(floor: Floor, worker: Worker) -> None:
    id = ask(floor, PATTERN, "endless.pdf", images=True)
    assert wait_until(lambda: any(children(process) for process in pool(worker)), 30)
    (parsing,) = [child for process in pool(worker) for child in children(process)]
    parsing.parent().kill()  # type: ignore[union-attr]  # it was found by its parent
    assert wait_until(lambda: not parsing.is_running(), 20)
    floor.ledger.run(calls.cancel(id, LIMITS))
    assert floor.reaches(ask(floor, good()), State.SUCCEEDED, 60)
