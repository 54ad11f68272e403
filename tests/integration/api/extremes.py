"""Extreme values, and the places of a request that take them, for every operation of the OpenAPI document."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from hypothesis import strategies as st

Json = dict[str, Any]

TIMES = [
    *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+23:59", "1969-12-31T23:59:59Z"),
    *("9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z"),
    *("2026-12-31T23:59:60Z", "2030-01-01T24:00:00Z", "2030-02-30T00:00:00Z", "2030-01-01T00:00:00+24:00"),
    *("2030-W01-1T00:00:00Z", "20300101T000000Z", "2030-01-01T00Z", "2030-01-01 00:00:00Z", "2030-01-01T00:00:00"),
    *(
        "2030-01-01T00:00:00,5Z",
        "2030-01-01T00:00:00+00:00:30",
        "\u0662\u0660\u0663\u0660-01-01T00:00:00Z",
        "2030-01-01",
        "-1",
    ),
]
NUMBERS = [
    *("nan", "inf", "-inf", "Infinity", "1e308", "1e400", "5e-324", "-0", "-0.0", "0", "1_000", " 1 ", "\t1", "+1"),
    *("1.", ".5", "0x10", "1e3", "\u0661", "true", "9007199254740993", "18446744073709551616", "9" * 400, "9" * 5000),
    *("31536000", "31536000.1", "1.0", "-1", "1000", "1001", "2147483648"),
]
TEXTS = [
    *("", "\x00", "a\x00b", "a" * 5000, "%", "%00", "%zz", "é", "😀", "\u2028", "\ufeff", "a\nb", "../../etc/passwd"),
    *(
        "null",
        "[]",
        "{}",
        "*",
        "handoff:task:x",
        "a|b",
        "0" * 26,
        f"{'0' * 26}.9999999",
        f"{'0' * 26}.\u0667",
        "0" * 27,
    ),
]
NO_UTF8 = [b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80"]
VALUES = [*(text.encode() for text in (*TIMES, *NUMBERS, *TEXTS)), *NO_UTF8]
DRAWN_VALUES: st.SearchStrategy[bytes] = st.one_of(
    st.floats().map(lambda value: str(value).encode()),
    st.integers(-(10**30), 10**30).map(lambda value: str(value).encode()),
    st.datetimes(timezones=st.timezones()).map(lambda value: value.isoformat().encode()),
    st.text(max_size=30).map(lambda value: value.encode("utf-8", "surrogatepass")),
    st.binary(max_size=30),
)
# Values in a body are JSON text, because no JSON library writes some of them.
SOURCES = [
    *(b"null", b"true", b"false", b"0", b"-0", b"0.0", b"1e308", b"-1e308", b"5e-324", b"1e400", b"NaN", b"-Infinity"),
    *(b"9007199254740993", b"18446744073709551616", b"9" * 400, b"9" * 4300, b"9" * 5000, b"0x10", b"01", b"1 2", b""),
    *(b'"\\u0000"', b'"\\ud800"', b'"\\ud83d\\ude00"', b'"\xff"', b"'a'", b'"' + b"a" * 70_000 + b'"'),
    *(b"[]", b"{}", b"[{}]", b'{"a":1,"a":2}', b'{"":null}', b'{"\\u0000":1}'),
    *(b"[" * depth + b"]" * depth for depth in (100, 190, 196, 197, 250, 10_000)),
    *(b'{"a":' * depth + b"1" + b"}" * depth for depth in (100, 190, 196, 197, 250)),
    *(json.dumps(text).encode() for text in (*TIMES, *NUMBERS, *TEXTS)),
]
DRAWN_SOURCES: st.SearchStrategy[bytes] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
).map(lambda value: json.dumps(value).encode())
BODIES = [
    b"",
    b" ",
    b"{",
    b"[]",
    b"0",
    b'"a"',
    b"\xef\xbb\xbf{}",
    b"\xff\xfe{\x00}\x00",
    b"{}{}",
    b"\x00" * 9,
    *SOURCES,
]


class Place(NamedTuple):
    """A place where an operation takes a value. `where` is path, query, header, field, item or body."""

    where: str
    name: str

    @property
    def values(self) -> list[bytes]:
        return {"body": BODIES, "field": SOURCES, "item": SOURCES}.get(self.where, VALUES)

    @property
    def drawn(self) -> st.SearchStrategy[bytes]:
        return DRAWN_SOURCES if self.where in ("body", "field", "item") else DRAWN_VALUES


class Operation(NamedTuple):
    """An operation and its places. `new` are the places that no earlier operation has with another contract."""

    method: str
    path: str
    places: list[Place]
    new: list[Place]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def has_body(self) -> bool:
        return any(place.where == "body" for place in self.places)


def operations(document: Json) -> Iterator[Operation]:
    """Yield every operation of an OpenAPI document, with all its parameters and body fields."""
    seen: set[object] = set()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            places = [Place(each["in"], each["name"]) for each in operation.get("parameters", [])]
            places += [Place("query", "no-such-parameter"), Place("header", "X-Request-ID")]
            places += [Place("header", "Last-Event-ID")] if path.endswith("/events") else []
            if "requestBody" in operation:
                places += [Place("body", ""), *(Place("field", name) for name in fields(document, operation))]
            if path.startswith("/v1/batches/") and "requestBody" in operation:
                task = document["paths"][path.replace("/v1/batches/", "/v1/tasks/")]["post"]
                places += [Place("item", name) for name in fields(document, task)]
            kind = re.sub(r"[a-z]+\.[a-z]+$", "", path)
            yield Operation(
                method.upper(), path, places, [place for place in places if (method, kind, place) not in seen]
            )
            seen |= {(method, kind, place) for place in places}


def fields(document: Json, operation: Json) -> list[str]:
    """Return the names of the fields of a body."""
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return list(schema["properties"])
