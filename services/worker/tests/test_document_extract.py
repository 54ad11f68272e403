"""`document.extract`: the content of documents, and the end of their process with its task."""

import asyncio
import io
import json
import signal
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import psutil
import pytest
from PIL import Image
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from handoff_contracts.files import FileRef
from handoff_contracts.tasks.document_extract import FILE_LIMIT_BYTES, DocumentExtract, OutlineEntry
from handoff_worker.documents import extraction
from handoff_worker.documents.result import collect, parse_date
from handoff_worker.documents.store import ResultFolder
from handoff_worker.errors import Fail, Retry
from handoff_worker.execution.attempt import RESULT_LIMIT_BYTES
from process import wait_until
from services.worker.tests.documents import TASK, children, end, extract, files
from services.worker.tests.hostile_pdfs import HOSTILE
from services.worker.tests.pdf_builder import good

PATTERN = next(hostile for hostile in HOSTILE if hostile.name == "a pattern of itself")


def report() -> bytes:
    """Two pages, with all that is to be found in a document."""
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(400, 300), pageCompression=1)
    canvas.setTitle("Année 2026 €")
    canvas.setAuthor("Anna")
    canvas.setSubject("Numbers")
    canvas.setKeywords("a, b")
    canvas.setCreator("Tests")
    canvas.bookmarkPage("one")
    canvas.addOutlineEntry("Chapter 1", "one", 0)
    canvas.drawString(50, 250, "Grüße, 5 €")
    canvas.drawString(50, 230, "and a second line")
    canvas.showPage()
    canvas.setPageSize((300, 400))
    canvas.bookmarkPage("two")
    canvas.addOutlineEntry("Part 1.1", "two", 1)
    canvas.setFillColorRGB(1, 0, 0)
    canvas.rect(0, 0, 150, 400, fill=1, stroke=0)
    canvas.setFillColorRGB(0, 0, 1)
    canvas.rect(150, 0, 150, 400, fill=1, stroke=0)
    canvas.showPage()
    canvas.save()
    return file.getvalue()


@pytest.mark.parametrize("by_path", [True, False])
async def test_text_metadata_and_outline(tmp_path: Path, by_path: bool) -> None:
    found = await extract(report(), tmp_path if by_path else None)
    about = found.metadata
    assert found.page_count == 2
    assert (about.title, about.author, about.subject) == ("Année 2026 €", "Anna", "Numbers")
    assert (about.keywords, about.creator) == ("a, b", "Tests")
    assert about.created
    assert abs(datetime.now(UTC) - about.created) < timedelta(minutes=1)
    assert found.outline == [
        OutlineEntry(level=0, title="Chapter 1", page=1),
        OutlineEntry(level=1, title="Part 1.1", page=2),
    ]
    first, second = found.pages
    assert (first.number, first.width, first.height, first.text) == (1, 400, 300, "Grüße, 5 €\nand a second line")
    assert (second.number, second.width, second.height, second.text) == (2, 300, 400, "")
    assert (first.broken, first.truncated, first.image) == (False, False, None)
    assert (found.text_file, found.outline_truncated) == (None, False)


async def test_pages_as_images(tmp_path: Path) -> None:
    found = await extract(report(), tmp_path, images=True, dpi=144)
    image = found.pages[1].image
    assert image
    assert (image.width, image.height, image.file.media_type) == (600, 800, "image/png")
    path = tmp_path / str(image.file.path)
    assert path.parent.parent == tmp_path / "documents"
    assert path.parent.name.startswith(f"{TASK}-")
    assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0
    with Image.open(path) as picture:
        picture.load()
        assert (picture.size, picture.mode) == ((600, 800), "RGB")
        assert picture.getpixel((10, 400)) == (255, 0, 0)
        assert picture.getpixel((590, 400)) == (0, 0, 255)


async def test_an_image_shows_form_fields(tmp_path: Path) -> None:
    dark = []
    for value in ("", "FILLED IN"):
        file = io.BytesIO()
        canvas = Canvas(file, pagesize=(300, 200))
        canvas.acroForm.textfield(name="name", value=value, x=20, y=100, width=200, height=30, borderWidth=0)
        canvas.showPage()
        canvas.save()
        image = (await extract(file.getvalue(), tmp_path, images=True)).pages[0].image
        assert image
        with Image.open(tmp_path / str(image.file.path)) as picture:
            dark.append(sum(picture.convert("L").histogram()[:100]))
    assert dark[0] == 0
    assert dark[1] > 100


async def test_a_range_of_pages(tmp_path: Path) -> None:
    found = await extract(good(9), tmp_path, first_page=4, pages=2)
    assert [(page.number, page.text) for page in found.pages] == [(4, "Page 4"), (5, "Page 5")]
    assert found.page_count == 9
    assert await end(good(9), tmp_path, first_page=10) == "no_such_page"


async def test_its_password(tmp_path: Path) -> None:
    locked = good(1, StandardEncryption("opens", "owns", strength=128))
    assert await end(locked, tmp_path) == "document_encrypted"
    assert await end(locked, tmp_path, password="shuts") == "document_encrypted"
    assert (await extract(locked, tmp_path, password="opens")).pages[0].text == "Page 1"
    assert "opens" not in repr(DocumentExtract(file=FileRef(path="a"), password="opens"))


def long(pages: int) -> bytes:
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(4000, 4000), pageCompression=1)
    for page in range(pages):
        for line in range(100):
            canvas.drawString(10, 20 + 30 * line, f"{page:04} {line:04} " + "words " * 40)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


async def test_a_long_text_goes_to_a_file(tmp_path: Path) -> None:
    found = await extract(long(20), tmp_path)
    assert found.text_file
    assert len(found.model_dump_json().encode()) < RESULT_LIMIT_BYTES
    lines = [json.loads(line) for line in (tmp_path / str(found.text_file.path)).read_text().splitlines()]
    assert [line["number"] for line in lines] == list(range(1, 21))
    assert lines[7]["text"].count("words") == 4_000
    assert [page.text for page in found.pages] == [""] * 20


async def test_files_need_a_folder() -> None:
    assert await end(long(20), None) == "no_blob_folder"
    assert await end(good(), None, images=True) == "no_blob_folder"


async def test_the_largest_result_fits(tmp_path: Path) -> None:
    outline = next(hostile for hostile in HOSTILE if hostile.name == "an outline of 50,000")
    found = await extract(outline.make(), tmp_path)
    assert found.outline_truncated
    many = await extract(good(500), tmp_path, images=True, dpi=36)
    assert len(many.pages) == 500
    assert len(found.model_dump_json()) + len(many.model_dump_json()) < RESULT_LIMIT_BYTES


async def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.pdf").open("wb") as file:
        file.truncate(FILE_LIMIT_BYTES + 1)
    for path, code in (("huge.pdf", "file_too_large"), ("none.pdf", "no_such_file")):
        with pytest.raises(Fail) as raised:
            async with extraction.extract_frames(DocumentExtract(file=FileRef(path=path)), tmp_path):
                pass
        assert raised.value.failure.code == code


async def test_an_unwritable_blob_folder_is_retried(tmp_path: Path) -> None:
    (tmp_path / "documents").symlink_to("/tmp")  # noqa: S108  # nothing may be written there
    with pytest.raises(Retry) as raised:
        await extract(good(), tmp_path, images=True)
    assert raised.value.failure.code == "blob_folder_unwritable"


async def busy(before: set[int]) -> psutil.Process:
    """The new process, when it is in the middle of its document."""

    def found() -> bool:
        return any(psutil.Process(child).cpu_times().user > 0.3 for child in children() - before)

    assert await asyncio.to_thread(wait_until, found, 60)
    return psutil.Process((children() - before).pop())


async def test_a_cancelled_task_leaves_nothing(tmp_path: Path) -> None:
    before = children()
    task = asyncio.create_task(extract(PATTERN.make(), tmp_path, images=True))
    process = await busy(before)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not process.is_running()
    assert children() == before
    assert files(tmp_path) == ["it.pdf"]


async def test_a_killed_process_is_retried(tmp_path: Path) -> None:
    before = children()
    task = asyncio.create_task(extract(PATTERN.make(), tmp_path, images=True))
    process = await busy(before)
    process.send_signal(signal.SIGKILL)
    with pytest.raises(Retry) as raised:
        await task
    assert raised.value.failure.code == "document_process_failed"


@pytest.mark.parametrize(
    "invalid",
    [
        [],
        [(b"D", b"{")],
        [(b"P", b'{"number": 1, "width": 1, "height": 1, "text": "", "more": 1}')],
        [(b"P", b'{"number": 1, "width": NaN, "height": 1, "text": ""}')],
        [(b"P", b'{"number": 1, "width": 1, "height": 1, "text": "", "image": {"width": 1, "height": 1}}')],
        [(b"I", b"x"), (b"P", b'{"number": 1, "width": 1, "height": 1, "text": ""}')],
        [(b"X", b'{"page_count": 0, "metadata": {}, "outline": [], "outline_truncated": false}')],
    ],
)
async def test_invalid_frames_are_refused(invalid: list[tuple[bytes, bytes]], tmp_path: Path) -> None:
    async def frames() -> AsyncIterator[tuple[bytes, bytes]]:
        for frame in invalid:
            yield frame

    folder = ResultFolder(tmp_path, TASK)
    with pytest.raises(Fail) as raised:
        await collect(frames(), folder)
    folder.close(keep=False)
    assert raised.value.failure.code == "document_crashed"
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("D:20261122093001+02'30'", datetime(2026, 11, 22, 9, 30, 1, tzinfo=timezone(timedelta(hours=2, minutes=30)))),
        ("D:20261122093001-08'00", datetime(2026, 11, 22, 9, 30, 1, tzinfo=timezone(timedelta(hours=-8)))),
        ("D:20261122093001Z", datetime(2026, 11, 22, 9, 30, 1, tzinfo=UTC)),
        ("D:20261122093001Z00'00'", datetime(2026, 11, 22, 9, 30, 1, tzinfo=UTC)),
        ("2026", datetime(2026, 1, 1, tzinfo=UTC)),
        ("D:20261399", None),
        ("D:20260101000000+99'00'", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates(text: str, expected: datetime | None) -> None:
    assert parse_date(text) == expected
