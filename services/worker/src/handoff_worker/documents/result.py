"""Makes the result of what a document's process tells. That is checked: a hostile document may be what speaks."""

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
from handoff_worker.documents.store import Store
from handoff_worker.errors import Fail

RESULT_LIMIT = 250_000  # bytes of a result's JSON; a worker takes 256 KiB
OUTLINE_LIMIT = 48_000  # bytes of its outline
DATE = re.compile(
    r"D?:?(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d))?)?)?)?)?(?:Z|([+-])(\d\d)'?(?:(\d\d)'?)?)?.{0,9}"
)


class DocumentFrame(BaseModel):
    """A D frame."""

    page_count: int = Field(ge=1)
    metadata: Mapping[str, str]
    outline: list[OutlineEntry]
    outline_truncated: bool


class ImageSize(BaseModel):
    """An image in a P frame, in pixels."""

    model_config = ConfigDict(extra="forbid")

    width: int = Field(ge=1, le=100_000)
    height: int = Field(ge=1, le=100_000)


class PageFrame(BaseModel):
    """A P frame."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    number: int
    width: float
    height: float
    text: str
    truncated: bool = False
    broken: bool = False
    image: ImageSize | None = None


async def collect(frames: AsyncIterator[Frame], store: Store) -> Extracted:
    """The result. Images go to files, and so does the text where it is too long.

    Raises:
        Fail: what was told does not make one, or there is no blob folder for the files.
        Retry: the blob folder does not take them.
    """
    about: DocumentFrame | None = None
    pages: list[Page] = []
    try:
        async for kind, body in frames:
            if kind == b"I":
                await asyncio.to_thread(store.write, f"{len(pages) + 1:04}.png", body)
            elif kind == b"P" and len(pages) < PAGE_LIMIT:
                image = await asyncio.to_thread(store.end, "image/png")
                pages.append(_page(PageFrame.model_validate_json(body), image))
            else:
                about = DocumentFrame.model_validate_json(body)
    except ValidationError:
        raise Fail(*CRASHED) from None
    if about is None:
        raise Fail(*CRASHED)
    return await asyncio.to_thread(_fitted, about, pages, store)


def _page(told: PageFrame, file: FileRef | None) -> Page:
    if (told.image is None) != (file is None):
        raise Fail(*CRASHED)
    image = PageImage(file=file, width=told.image.width, height=told.image.height) if file and told.image else None
    return Page(**told.model_dump(exclude={"image"}), image=image)


def _fitted(about: DocumentFrame, pages: Sequence[Page], store: Store) -> Extracted:
    outline = _first(about.outline, OUTLINE_LIMIT)
    result = Extracted(
        page_count=about.page_count,
        metadata=_metadata(about.metadata),
        outline=outline,
        outline_truncated=about.outline_truncated or len(outline) < len(about.outline),
        pages=list(pages),
    )
    if len(result.model_dump_json().encode()) <= RESULT_LIMIT:
        return result
    for page in pages:
        line = json.dumps({"number": page.number, "text": page.text}, ensure_ascii=False)
        store.write("text.jsonl", f"{line}\n".encode())
    bare = [page.model_copy(update={"text": ""}) for page in pages]
    return result.model_copy(update={"pages": bare, "text_file": store.end("application/jsonl")})


def _first(entries: Sequence[OutlineEntry], limit: int) -> list[OutlineEntry]:
    kept = []
    for entry in entries:
        limit -= len(entry.model_dump_json().encode()) + 1
        if limit < 0:
            break
        kept.append(entry)
    return kept


def _metadata(told: Mapping[str, str]) -> Metadata:
    texts: dict[str, Any] = {
        name: told.get(name.capitalize(), "")
        for name in ("title", "author", "subject", "keywords", "creator", "producer")
    }
    return Metadata(**texts, created=moment(told.get("CreationDate", "")), modified=moment(told.get("ModDate", "")))


def moment(text: str) -> datetime | None:
    """A PDF's date, like D:20261122093000+02'00'; without an offset it is UTC."""
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
