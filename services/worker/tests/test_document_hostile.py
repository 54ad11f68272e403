"""Each hostile document ends with an outcome within its bounds, and the next one is read."""

from pathlib import Path

import pytest

from handoff_worker.documents import extraction
from services.worker.tests.documents import children, end, files, peak
from services.worker.tests.hostile_ends import READ, TOO_COMPLEX
from services.worker.tests.hostile_pdfs import HOSTILE, Hostile
from services.worker.tests.pdf_builder import good


def test_there_are_at_least_fifty() -> None:
    assert len({hostile.name for hostile in HOSTILE}) >= 50


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.name.replace(" ", "-"))
async def test_a_hostile_document_ends_and_the_next_is_read(
    hostile: Hostile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if TOO_COMPLEX in hostile.ends:
        monkeypatch.setattr(extraction, "CPU_SECONDS", 2)
    before = children()
    assert await end(hostile.make(), tmp_path, images=True, pages=3) in hostile.ends
    assert children() == before
    assert peak() < extraction.MEMORY_BYTES
    assert await end(good(), tmp_path) == READ


async def test_too_much_memory_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that fits, and does not fit in less."""
    (twenty,) = [hostile for hostile in HOSTILE if hostile.name == "a title of 30 MB"]
    content = twenty.make()
    assert await end(content, tmp_path) == READ
    monkeypatch.setattr(extraction, "MEMORY_BYTES", 100 * 1024 * 1024)
    assert await end(content, tmp_path) in ("document_crashed", "document_too_complex")


async def test_too_much_cpu_time_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (pattern,) = [hostile for hostile in HOSTILE if hostile.name == "a pattern of itself"]
    assert await end(pattern.make(), tmp_path) == READ
    monkeypatch.setattr(extraction, "CPU_SECONDS", 1)
    assert await end(pattern.make(), tmp_path, images=True) == "document_too_complex"
    assert files(tmp_path) == ["it.pdf"]
