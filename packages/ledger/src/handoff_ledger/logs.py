"""Logging for every service: a line is one JSON object, a sentence plus the stable name of its event."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

# What a record of the standard library carries by itself; everything else was put there by `extra`.
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "data"}
# No line has a thread, a process, a task or the place in the source: not looked up, which takes longer than the rest.
UNTOLD = {"logThreads": False, "logMultiprocessing": False, "logAsyncioTasks": False, "_srcfile": None}


class JsonLines(logging.Formatter):
    """`{"time", "level", "logger", "message", ...}`, with the fields given by `extra`."""

    _encode = staticmethod(json.JSONEncoder(default=str).encode)  # json.dumps would make an encoder for each line

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in STANDARD}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return self._encode(line)


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
