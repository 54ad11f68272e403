"""`document.extract`: what is in a PDF: its text by page, its metadata, its outline, and its pages as images."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StrictBool

from handoff_contracts.contract import Contract, Payload, Policy, Result
from handoff_contracts.files import FileRef
from handoff_contracts.json_number import JSON_NUMBER
from handoff_contracts.queues import DOCUMENTS

FILE_LIMIT = 64 * 1024 * 1024  # bytes of a document
PAGE_LIMIT = 500  # pages that one task reads


class DocumentExtract(Payload):
    """A PDF, and which of its pages are read."""

    file: FileRef
    password: Annotated[str, Field(min_length=1, max_length=127, pattern=r"^[^\x00]+$")] | None = Field(
        default=None, repr=False, description="What opens it, if it is encrypted"
    )
    first_page: Annotated[int, Field(ge=1, le=1_000_000), JSON_NUMBER] = 1
    pages: Annotated[int, Field(ge=1, le=PAGE_LIMIT), JSON_NUMBER] = Field(
        default=PAGE_LIMIT, description="How many are read at most"
    )
    images: StrictBool = Field(default=False, description="Each page as a PNG in the blob folder")
    dpi: Annotated[int, Field(ge=36, le=300), JSON_NUMBER] = Field(
        default=100, description="Pixels per inch of an image; a huge page has fewer"
    )


class Metadata(Result):
    """What the document says of itself. Nobody has checked it."""

    title: str = ""
    author: str = ""
    subject: str = ""
    keywords: str = ""
    creator: str = ""
    producer: str = ""
    created: datetime | None = None
    modified: datetime | None = None


class OutlineEntry(Result):
    """A line of the outline. `level` counts from 0; `page` is the number of the page it leads to."""

    level: int
    title: str
    page: int | None = None


class PageImage(Result):
    """A page as a PNG; its size in pixels."""

    file: FileRef
    width: int
    height: int


class Page(Result):
    """A page; its size in points of 1/72 inch."""

    number: int
    width: float
    height: float
    text: str = Field(description="Empty if the result has a text_file")
    truncated: bool = Field(default=False, description="It has more text than is kept")
    broken: bool = Field(default=False, description="It could not be read")
    image: PageImage | None = None


class Extracted(Result):
    """What was read. `page_count` counts all pages of the document."""

    page_count: int
    metadata: Metadata
    outline: list[OutlineEntry]
    outline_truncated: bool = Field(default=False, description="The outline has more entries than are kept")
    pages: list[Page]
    text_file: FileRef | None = Field(
        default=None,
        description="The text, where it is too long for the result: a file in the blob folder with a line for each"
        ' page, {"number": 1, "text": "..."}',
    )


DOCUMENT_EXTRACT = Contract(
    name="document.extract",
    version=1,
    payload=DocumentExtract,
    result=Extracted,
    summary="Read the text, the metadata, the outline and the page images of a PDF.",
    queue=DOCUMENTS,
    policy=Policy(max_attempts=3, time_limit=180.0),
)
