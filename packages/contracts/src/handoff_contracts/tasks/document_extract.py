"""`document.extract` reads the text, metadata, outline and page images of a PDF."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StrictBool

from handoff_contracts.contract import Contract, Payload, Policy, Result
from handoff_contracts.files import FileRef
from handoff_contracts.json_number import JSON_NUMBER
from handoff_contracts.queues import DOCUMENTS

FILE_LIMIT_BYTES = 64 * 1024 * 1024
PAGE_LIMIT = 500  # pages of one task


class DocumentExtract(Payload):
    """A PDF, and the range of its pages to read."""

    file: FileRef = Field(description="The PDF, up to 64 MiB")
    password: Annotated[str, Field(min_length=1, max_length=127, pattern=r"^[^\x00]+$")] | None = Field(
        default=None, repr=False, description="Password of an encrypted document"
    )
    first_page: Annotated[int, Field(ge=1, le=1_000_000), JSON_NUMBER] = Field(
        default=1, description="Number of the first page to read, from 1"
    )
    pages: Annotated[int, Field(ge=1, le=PAGE_LIMIT), JSON_NUMBER] = Field(
        default=PAGE_LIMIT, description="The most pages to read"
    )
    images: StrictBool = Field(default=False, description="Also render each page as a PNG in the blob folder")
    dpi: Annotated[int, Field(ge=36, le=300), JSON_NUMBER] = Field(
        default=100, description="Pixels per inch of page images; very large pages get fewer"
    )


class Metadata(Result):
    """Metadata as the document states it, unverified."""

    title: str = Field(default="", description="Title")
    author: str = Field(default="", description="Author")
    subject: str = Field(default="", description="Subject")
    keywords: str = Field(default="", description="Keywords, as one text")
    creator: str = Field(default="", description="Program that created the original document")
    producer: str = Field(default="", description="Program that produced the PDF")
    created: datetime | None = Field(default=None, description="Time of creation")
    modified: datetime | None = Field(default=None, description="Time of the last change")


class OutlineEntry(Result):
    """One entry of the outline."""

    level: int = Field(description="Depth in the outline, from 0")
    title: str = Field(description="Text of the entry")
    page: int | None = Field(default=None, description="Number of the page that the entry links to")


class PageImage(Result):
    """A page rendered as a PNG."""

    file: FileRef = Field(description="The PNG in the blob folder")
    width: int = Field(description="Width in pixels")
    height: int = Field(description="Height in pixels")


class Page(Result):
    """One page of the document."""

    number: int = Field(description="Page number, from 1")
    width: float = Field(description="Width in points of 1/72 inch")
    height: float = Field(description="Height in points of 1/72 inch")
    text: str = Field(description="Text of the page; empty if the result has a text_file")
    truncated: bool = Field(default=False, description="The page has more text than the result keeps")
    broken: bool = Field(default=False, description="The page could not be read")
    image: PageImage | None = Field(default=None, description="The rendered page, if images were requested")


class Extracted(Result):
    """The content of a document."""

    page_count: int = Field(description="Number of pages in the document, unread ones included")
    metadata: Metadata = Field(description="Metadata of the document")
    outline: list[OutlineEntry] = Field(description="Entries of the outline, in order")
    outline_truncated: bool = Field(default=False, description="The outline has more entries than the result keeps")
    pages: list[Page] = Field(description="The pages that were read, in order")
    text_file: FileRef | None = Field(
        default=None,
        description="The text, if it is too long for the result: a file in the blob folder with one line per page,"
        ' {"number": 1, "text": "..."}',
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
