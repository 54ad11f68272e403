"""`FileRef`: a file in a payload or a result, as a path in the blob folder or as content."""

from base64 import b64decode
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator, model_validator

from handoff_contracts.contract import Payload

MAX_CONTENT_BYTES = 512 * 1024  # of a file inside a payload: the API accepts bodies up to 1 MiB

# No character that is special in a file system or a mail header, and none that changes the reading direction.
PART = r"[^/\\?*:|\x22<>\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+"
BlobPath = Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=rf"^{PART}(/{PART})*$")]
FileName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=rf"^{PART}$")]
Base64 = Annotated[
    str,
    StringConstraints(
        max_length=MAX_CONTENT_BYTES // 3 * 4 + 4,
        pattern=r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
    ),
]
# Not multipart or message: as an attachment, such a part would be read as mail.
MediaType = Annotated[
    str,
    StringConstraints(
        max_length=127, pattern=r"^(application|audio|font|image|model|text|video)/[a-z0-9][a-z0-9!#$&^_.+-]*$"
    ),
]


class FileRef(Payload):
    """A file, given by exactly one of `path` and `content`."""

    path: BlobPath | None = Field(default=None, description="Path in the blob folder, like 2026/invoice.pdf")
    content: Base64 | None = Field(
        default=None, repr=False, description="The file itself in base64, up to 512 KiB before encoding"
    )
    name: FileName | None = Field(default=None, description="File name; if unset, the last part of the path")
    media_type: MediaType = Field(default="application/octet-stream", description="Media type of the file")

    @field_validator("path")
    @classmethod
    def _check_path(cls, path: str | None) -> str | None:
        if path and {".", ".."} & set(path.split("/")):
            raise ValueError("a path must not contain . or .. as a part")
        return path

    @model_validator(mode="after")
    def _check_source(self) -> "FileRef":
        if (self.path is None) == (self.content is None):
            raise ValueError("a file has either a path or content")
        return self

    @property
    def filename(self) -> str:
        """The name of the file, for an attachment or a download."""
        return self.name or (self.path or "file").rpartition("/")[2]

    @property
    def decoded(self) -> bytes | None:
        """The bytes of `content`, or None for a path."""
        return None if self.content is None else b64decode(self.content)
