"""Logging for every service: a line is one JSON object, a sentence plus the stable name of its event."""

import json
import logging
import sys
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

# What a record of the standard library carries by itself; everything else was put there by `extra`.
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "data"}
# No line has a thread, a process, a task or the place in the source: not looked up, which takes longer than the rest.
UNTOLD = {
    "_srcfile": None,
    "logAsyncioTasks": False,
    "logMultiprocessing": False,
    "logProcesses": False,
    "logThreads": False,
}
# A dataclass and a time are told as their text, as json tells them: that may leave out what is not for a log.
AS_TEXT = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME


class JsonLines(logging.Formatter):
    """`{"time", "level", "logger", "message", ...}`, with the fields given by `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _instant(int(record.created * 1000)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in STANDARD}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _json(line)


@lru_cache(maxsize=1)
def _instant(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")


def _json(line: dict[str, Any]) -> str:
    """JSON in ASCII, so that it reads the same wherever it goes."""
    try:
        text = orjson.dumps(line, default=str, option=AS_TEXT)  # in a tenth of json's time
    except TypeError:  # a lone surrogate, a number beyond 64 bits
        text = None
    return text.decode() if text and text.isascii() else json.dumps(line, default=str, separators=(",", ":"))


class Plain(logging.Formatter):
    """One line to read, for development."""

    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={value}" for name, value in vars(record).items() if name not in STANDARD)
        head = f"{datetime.now().astimezone():%H:%M:%S} {record.levelname.lower():7} {record.getMessage()}"
        line = f"{head} {fields}".rstrip()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure(level: str, *, development: bool) -> None:
    """Sends everything that is logged to standard error, in JSON outside development."""
    for name, value in UNTOLD.items():
        setattr(logging, name, value)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Plain() if development else JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
