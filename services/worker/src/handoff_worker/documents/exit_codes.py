"""The exit codes of the process that parses a document."""

DONE = 0
ENCRYPTED = 10
BROKEN = 11
EMPTY = 12
NO_SUCH_PAGE = 13
OUT_OF_MEMORY = 14
