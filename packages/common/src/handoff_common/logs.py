"""Logging for every service: a line is one JSON object with a sentence and the stable name of its event."""

import json
import logging
import sys
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

# The attributes of every log record; any other attribute comes from `extra`.
STANDARD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "data"}
# `logging` skips these lookups: no line shows them, and they take longer than the rest of the call.
UNUSED_LOOKUPS = {
    "_srcfile": None,
    "logAsyncioTasks": False,
    "logMultiprocessing": False,
    "logProcesses": False,
    "logThreads": False,
}
# Dataclasses and datetimes appear as `str`: a dataclass can hide a field from its repr.
ORJSON_OPTIONS = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME


class JsonFormatter(logging.Formatter):
    """Formats a record as `{"time", "level", "logger", "message", ...}` with the fields of `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _format_time(int(record.created * 1000)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in STANDARD_ATTRIBUTES}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _to_json(line)


@lru_cache(maxsize=1)
def _format_time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")


def _to_json(line: dict[str, Any]) -> str:
    """Returns ASCII, which every terminal and log collector reads the same way."""
    try:
        text = orjson.dumps(line, default=str, option=ORJSON_OPTIONS)  # ten times as fast as json
    except TypeError:  # a lone surrogate, or a number beyond 64 bits
        text = None
    return text.decode() if text and text.isascii() else json.dumps(line, default=str, separators=(",", ":"))


class PlainFormatter(logging.Formatter):
    """Formats a record for people: time, level, sentence and fields."""

    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={value}" for name, value in vars(record).items() if name not in STANDARD_ATTRIBUTES)
        head = f"{datetime.now().astimezone():%H:%M:%S} {record.levelname.lower():7} {record.getMessage()}"
        line = f"{head} {fields}".rstrip()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure(level: str, *, development: bool) -> None:
    """Sends all log lines to standard error, as JSON outside development. `level` is debug, info, warning or error."""
    for name, value in UNUSED_LOOKUPS.items():
        setattr(logging, name, value)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PlainFormatter() if development else JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
