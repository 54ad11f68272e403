"""What may come of reading a hostile document."""

from collections.abc import Callable

READ = "read"
BROKEN, EMPTY, ENCRYPTED = "document_broken", "document_empty", "document_encrypted"
CRASHED, TOO_COMPLEX = "document_crashed", "document_too_complex"
ANY_END = frozenset({READ, BROKEN, EMPTY, CRASHED, TOO_COMPLEX})

Case = tuple[str, Callable[[], bytes], str | frozenset[str]]  # its name, itself, and what may come of reading it
