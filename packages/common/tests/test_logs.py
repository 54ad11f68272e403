"""Every log line is one JSON object; in development it is text for people."""

import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from handoff_common.logs import JsonFormatter, PlainFormatter, configure

log = logging.getLogger("handoff.test")


@pytest.fixture(autouse=True)
def _root() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_has_its_sentence_and_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", development=False)
    log.warning("A task was %s.", "parked", extra={"event": "task.parked", "task": "01", "count": 3})
    (line,) = lines(capsys)
    assert datetime.fromisoformat(line.pop("time")).tzinfo
    assert line == {
        "level": "warning",
        "logger": "handoff.test",
        "message": "A task was parked.",
        "event": "task.parked",
        "task": "01",
        "count": 3,
    }


def test_a_value_without_a_json_type_becomes_text(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", development=False)
    log.info("Where.", extra={"place": Path("a/b"), "kinds": {"x"}})
    (line,) = lines(capsys)
    assert (line["place"], line["kinds"]) == (str(Path("a/b")), "{'x'}")


def test_a_message_of_many_lines_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", development=False)
    log.info('One\ntwo\r\n"three"\u2028{"level": "error"}')
    (line,) = lines(capsys)
    assert (line["level"], line["message"]) == ("info", 'One\ntwo\r\n"three"\u2028{"level": "error"}')


def test_an_exception_adds_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", development=False)
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        log.exception("It failed.", extra={"event": "failed"})
    (line,) = lines(capsys)
    assert (line["level"], line["event"]) == ("error", "failed")
    assert line["traceback"].startswith("Traceback")
    assert line["traceback"].endswith("ZeroDivisionError: division by zero")


@pytest.mark.parametrize(("level", "count"), [("debug", 3), ("info", 2), ("warning", 1), ("error", 0)])
def test_lines_below_the_level_are_dropped(capsys: pytest.CaptureFixture[str], level: str, count: int) -> None:
    configure(level, development=False)
    log.debug("1")
    log.info("2")
    log.warning("3")
    assert len(lines(capsys)) == count


def test_configuring_twice_logs_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", development=False)
    configure("info", development=False)
    log.info("Once.")
    assert len(lines(capsys)) == 1


def test_development_uses_the_plain_format(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", development=True)
    log.info("Reconciled.", extra={"event": "reconciled", "due": 2})
    assert capsys.readouterr().err.endswith(" info    Reconciled. event=reconciled due=2\n")


@pytest.mark.parametrize("formatter", [JsonFormatter(), PlainFormatter()], ids=["json", "plain"])
def test_standard_attributes_are_left_out(formatter: logging.Formatter) -> None:
    record = logging.LogRecord("n", logging.INFO, __file__, 1, "Plain.", (), None)
    record.taskName = "Task-1"
    line = formatter.format(record)
    for text in ("taskName", "Task-1", "pathname", __file__, "lineno", "process", "relativeCreated"):
        assert text not in line


def test_the_plain_format_appends_an_exception() -> None:
    try:
        raise ValueError("x")
    except ValueError:
        record = logging.LogRecord("n", logging.ERROR, "f", 1, "It failed.", (), sys.exc_info())
    assert PlainFormatter().format(record).splitlines()[-1] == "ValueError: x"


@dataclass
class Login:
    user: str
    password: str = field(repr=False)


@pytest.mark.parametrize("text", ["plain", "Übergröße", "\u2028", "\ud800"])
def test_a_line_is_ascii_and_has_one_shape_for_any_text(capsys: pytest.CaptureFixture[str], text: str) -> None:
    configure("info", development=False)
    login, now = Login("Bob", "not for a log"), datetime.now(UTC)
    log.info("%s", text, extra={"texts": [text], "kinds": {1}, "now": now, "login": login})
    raw = capsys.readouterr().err
    line = json.loads(raw)
    assert raw.isascii()
    assert '"level":"info"' in raw
    assert (line["message"], line["texts"], line["kinds"], line["now"]) == (text, [text], "{1}", str(now))
    assert line["login"] == "Login(user='Bob')"


def test_values_that_orjson_refuses_are_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", development=False)
    log.info("Counted.", extra={"big": 2**70, "at": {1: 0.5}})
    (line,) = lines(capsys)
    assert (line["big"], line["at"]) == (2**70, {"1": 0.5})
