"""How two JSON schemas differ: whether every value that fits the one fits the other."""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
Misfit = tuple[str, str, object, object]  # path, what, and what it is on either side

LEAST = ("minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties")
MOST = ("maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties")
EXACT = ("$ref", "pattern", "format", "multipleOf", "uniqueItems", "prefixItems")


def misfits(giver: Schema, taker: Schema, path: str = "") -> Iterator[Misfit]:
    """Where a value that fits `giver` may not fit `taker`."""
    for option in _options(giver):
        found = [list(_misfits(option, other, path)) for other in _options(taker)]
        if all(found):
            yield from min(found, key=lambda misfits: (misfits[0][1] == "type", len(misfits)))


def _misfits(giver: Schema, taker: Schema, path: str) -> Iterator[Misfit]:
    mine, other = giver.get("type"), taker.get("type")
    if other not in (None, mine) and (mine, other) != ("integer", "number"):
        yield path, "type", mine or "any", other
        return
    given, taken = _values(giver), _values(taker)
    if taken and not (given and all(value in taken for value in given)):
        yield path, "values", given or "any", taken
    for what in (*LEAST, *MOST, *EXACT):
        mine, other = giver.get(what), taker.get(what)
        if other is None or mine == other:
            continue
        if mine is None or what in EXACT or (mine < other if what in LEAST else mine > other):
            yield path, what, mine, other
    if "items" in taker:
        yield from misfits(giver.get("items", {}), taker["items"], f"{path}[]")
    if "propertyNames" in taker:
        yield from misfits(giver.get("propertyNames", {}), taker["propertyNames"], f"{path}.<name>")
    yield from _fields(giver, taker, path)


def _fields(giver: Schema, taker: Schema, path: str) -> Iterator[Misfit]:
    more, most = giver.get("additionalProperties", True), taker.get("additionalProperties", True)
    if most is False and more is not False:
        yield path, "unknown fields", "taken", "refused"
    elif isinstance(most, dict) and more is not False:
        yield from misfits(more if isinstance(more, dict) else {}, most, f"{path}.<value>")
    mine, other = giver.get("properties", {}), taker.get("properties", {})
    for name in {**mine, **other}:
        here = f"{path}.{name}"
        given, taken = _presence(giver, name), _presence(taker, name)
        if (taken == "required" != given) or (taken == "absent" and most is False):
            yield here, "presence", given, taken
        if name in mine and name in other:
            yield from misfits(mine[name], other[name], here)
            before, after = mine[name].get("default"), other[name].get("default")
            if given == taken == "optional" and before != after:
                yield here, "default", before, after


def _presence(schema: Schema, name: str) -> str:
    if name not in schema.get("properties", {}):
        return "absent"
    return "required" if name in schema.get("required", []) else "optional"


def _options(schema: Schema) -> list[Schema]:
    options: list[Schema] = schema.get("anyOf") or schema.get("oneOf") or [schema]
    return options


def _values(schema: Schema) -> list[Any]:
    values: list[Any] = [schema["const"]] if "const" in schema else schema.get("enum", [])
    return values


def inlined(schema: Schema) -> Schema:
    """The schema with its definitions put in place; one that contains itself stays a reference."""
    definitions = schema.pop("$defs", {})

    def put(node: Any, within: tuple[str, ...]) -> Any:
        if isinstance(node, list):
            return [put(child, within) for child in node]
        if not isinstance(node, dict):
            return node
        name = str(node.get("$ref", "")).rpartition("/")[2]
        if name in definitions and name not in within:
            beside = {key: child for key, child in node.items() if key != "$ref"}
            return put({**definitions[name], **beside}, (*within, name))
        return {key: put(child, within) for key, child in node.items()}

    whole: Schema = put(schema, ())
    return whole
