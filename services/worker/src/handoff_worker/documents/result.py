"""Builds the result from the frames of a document's process. It validates them: the document may control them."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handoff_contracts.files import FileRef
from handoff_contracts.tasks.document_extract import PAGE_LIMIT, Extracted, Metadata, OutlineEntry, Page, PageImage
from handoff_worker.documents.extraction import CRASHED, Frame
from handoff_worker.documents.store import ResultFolder
from handoff_worker.errors import Fail

RESULT_LIMIT = 250_000  # bytes of a result's JSON; a worker accepts 256 KiB
OUTLINE_LIMIT = 48_000  # bytes of the outline's JSON
DATE = re.compile(
    r"D?:?(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d))?)?)?)?)?(?:Z|([+-])(\d\d)'?(?:(\d\d)'?)?)?.{0,9}"
)


class DocumentFrame(BaseModel):
    """The body of a D frame."""

    page_count: int = Field(ge=1, description="All pages of the document")
    metadata: Mapping[str, str] = Field(description="PDF's own keys and their values")
    outline: list[OutlineEntry] = Field(description="The entries in order")
    outline_truncated: bool = Field(description="The document has more entries")


class ImageSize(BaseModel):
    """The size of the image in a P frame, in pixels."""

    model_config = ConfigDict(extra="forbid")

    width: int = Field(ge=1, le=100_000, description="Pixels")
    height: int = Field(ge=1, le=100_000, description="Pixels")


class PageFrame(BaseModel):
    """The body of a P frame."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    number: int = Field(description="Counts from 1")
    width: float = Field(description="Points of 1/72 inch")
    height: float = Field(description="Points of 1/72 inch")
    text: str = Field(description="The text of the page")
    truncated: bool = Field(default=False, description="The page has more text")
    broken: bool = Field(default=False, description="The page can't be read")
    image: ImageSize | None = Field(default=None, description="The size of the image in the I frames before")


async def collect(frames: AsyncIterator[Frame], folder: ResultFolder) -> Extracted:
    """The result of a document. Images go to files, and so does a text that is too long.

    Raises:
        Fail: the frames are invalid, or there is no blob folder for the files.
        Retry: the blob folder can't be written at the moment.
    """
    document: DocumentFrame | None = None
    pages: list[Page] = []
    try:
        async for kind, body in frames:
            if kind == b"I":
                await asyncio.to_thread(folder.write, f"{len(pages) + 1:04}.png", body)
            elif kind == b"P" and len(pages) < PAGE_LIMIT:
                image = await asyncio.to_thread(folder.finish_file, "image/png")
                pages.append(_page(PageFrame.model_validate_json(body), image))
            else:
                document = DocumentFrame.model_validate_json(body)
    except ValidationError:
        raise Fail(*CRASHED) from None
    if document is None:
        raise Fail(*CRASHED)
    return await asyncio.to_thread(_fit, document, pages, folder)


def _page(frame: PageFrame, file: FileRef | None) -> Page:
    if (frame.image is None) != (file is None):
        raise Fail(*CRASHED)
    image = PageImage(file=file, width=frame.image.width, height=frame.image.height) if file and frame.image else None
    return Page(**frame.model_dump(exclude={"image"}), image=image)


def _fit(document: DocumentFrame, pages: Sequence[Page], folder: ResultFolder) -> Extracted:
    outline = _head(document.outline, OUTLINE_LIMIT)
    result = Extracted(
        page_count=document.page_count,
        metadata=_metadata(document.metadata),
        outline=outline,
        outline_truncated=document.outline_truncated or len(outline) < len(document.outline),
        pages=list(pages),
    )
    if len(result.model_dump_json().encode()) <= RESULT_LIMIT:
        return result
    for page in pages:
        line = json.dumps({"number": page.number, "text": page.text}, ensure_ascii=False)
        folder.write("text.jsonl", f"{line}\n".encode())
    bare = [page.model_copy(update={"text": ""}) for page in pages]
    return result.model_copy(update={"pages": bare, "text_file": folder.finish_file("application/jsonl")})


def _head(entries: Sequence[OutlineEntry], limit: int) -> list[OutlineEntry]:
    kept = []
    for entry in entries:
        limit -= len(entry.model_dump_json().encode()) + 1
        if limit < 0:
            break
        kept.append(entry)
    return kept


def _metadata(values: Mapping[str, str]) -> Metadata:
    names = ("title", "author", "subject", "keywords", "creator", "producer")
    texts: dict[str, Any] = {name: values.get(name.capitalize(), "") for name in names}
    created, modified = (parse_date(values.get(key, "")) for key in ("CreationDate", "ModDate"))
    return Metadata(**texts, created=created, modified=modified)


def parse_date(text: str) -> datetime | None:
    """The time of a PDF's date, like D:20261122093000+02'00'; UTC without an offset. None for an invalid date."""
    match = DATE.fullmatch(text)
    if not match:
        return None
    year, month, day, hour, minute, second, sign, off_hours, off_minutes = match.groups()
    offset = timedelta(hours=int(off_hours or 0), minutes=int(off_minutes or 0))
    with suppress(ValueError):  # a 13th month, an offset of 30 hours
        zone = timezone(-offset if sign == "-" else offset) if sign else UTC
        return datetime(
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=zone
        )
    return None
