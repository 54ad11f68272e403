"""`FileRef`: a file in a payload, by its path in the blob folder or by its bytes."""

from base64 import b64decode
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator, model_validator

from handoff_contracts.contract import Payload

INLINE_LIMIT = 512 * 1024  # bytes of a file that is in its payload: the API takes a body of 1 MiB

# Neither what some file system or mail header takes for something else, nor what turns the reading direction.
PART = r"[^/\\?*:|\x22<>\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+"
BlobPath = Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=rf"^{PART}(/{PART})*$")]
FileName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=rf"^{PART}$")]
Base64 = Annotated[
    str,
    StringConstraints(
        max_length=INLINE_LIMIT // 3 * 4 + 4,
        pattern=r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
    ),
]
# Not multipart and message: those are mail of their own, not a file in one.
MediaType = Annotated[
    str,
    StringConstraints(
        max_length=127, pattern=r"^(application|audio|font|image|model|text|video)/[a-z0-9][a-z0-9!#$&^_.+-]*$"
    ),
]


class FileRef(Payload):
    """A file: `path` in the blob folder, or `content`; one of them."""

    path: BlobPath | None = Field(default=None, description="Where it is in the blob folder, like 2026/invoice.pdf")
    content: Base64 | None = Field(
        default=None, repr=False, description="Its bytes, as base64; 512 KiB of them at most"
    )
    name: FileName | None = Field(default=None, description="What it is called; if unset, the last part of its path")
    media_type: MediaType = "application/octet-stream"

    @field_validator("path")
    @classmethod
    def _stays(cls, path: str | None) -> str | None:
        if path and {".", ".."} & set(path.split("/")):
            raise ValueError("a path has no . and no .. in it")
        return path

    @model_validator(mode="after")
    def _one(self) -> "FileRef":
        if (self.path is None) == (self.content is None):
            raise ValueError("a file has either a path or content")
        return self

    @property
    def filename(self) -> str:
        return self.name or (self.path or "file").rpartition("/")[2]

    @property
    def decoded(self) -> bytes | None:
        """What `content` holds."""
        return None if self.content is None else b64decode(self.content)
