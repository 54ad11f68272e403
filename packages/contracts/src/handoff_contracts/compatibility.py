"""Compares two JSON schemas: is every value that the writer's schema allows also valid for the reader's schema?"""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
Incompatibility = tuple[str, str, object, object]  # path, keyword, its value for the writer and for the reader

LOWER_BOUNDS = ("minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties")
UPPER_BOUNDS = ("maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties")
EXACT_KEYWORDS = ("$ref", "pattern", "format", "multipleOf", "uniqueItems", "prefixItems")


def incompatibilities(writer: Schema, reader: Schema, path: str = "") -> Iterator[Incompatibility]:
    """Yields each place where a value that is valid for `writer` can be invalid for `reader`.

    Each option of a union is compared with the reader's most similar option.
    """
    for option in _options(writer):
        found = [list(_compare_option(option, candidate, path)) for candidate in _options(reader)]
        if all(found):
            yield from min(found, key=lambda places: (places[0][1] == "type", len(places)))


def _compare_option(writer: Schema, reader: Schema, path: str) -> Iterator[Incompatibility]:
    written, readable = writer.get("type"), reader.get("type")
    if readable not in (None, written) and (written, readable) != ("integer", "number"):
        yield path, "type", written or "any", readable
        return
    written_values, readable_values = _values(writer), _values(reader)
    if readable_values and not (written_values and all(value in readable_values for value in written_values)):
        yield path, "values", written_values or "any", readable_values
    yield from _compare_keywords(writer, reader, path)
    if "items" in reader:
        yield from incompatibilities(writer.get("items", {}), reader["items"], f"{path}[]")
    if "propertyNames" in reader:
        yield from incompatibilities(writer.get("propertyNames", {}), reader["propertyNames"], f"{path}.<name>")
    yield from _compare_fields(writer, reader, path)


def _compare_keywords(writer: Schema, reader: Schema, path: str) -> Iterator[Incompatibility]:
    for keyword in (*LOWER_BOUNDS, *UPPER_BOUNDS, *EXACT_KEYWORDS):
        written, readable = writer.get(keyword), reader.get(keyword)
        if readable is None or written == readable:
            continue
        stricter = written is not None and (written < readable if keyword in LOWER_BOUNDS else written > readable)
        if written is None or keyword in EXACT_KEYWORDS or stricter:
            yield path, keyword, written, readable


def _compare_fields(writer: Schema, reader: Schema, path: str) -> Iterator[Incompatibility]:
    written_extra, readable_extra = (schema.get("additionalProperties", True) for schema in (writer, reader))
    if readable_extra is False and written_extra is not False:
        yield path, "unknown fields", "accepted", "refused"
    elif isinstance(readable_extra, dict) and written_extra is not False:
        extra = written_extra if isinstance(written_extra, dict) else {}
        yield from incompatibilities(extra, readable_extra, f"{path}.<value>")
    written_fields, readable_fields = writer.get("properties", {}), reader.get("properties", {})
    for name in {**written_fields, **readable_fields}:
        field_path = f"{path}.{name}"
        written, readable = _presence(writer, name), _presence(reader, name)
        if (readable == "required" and written != "required") or (readable == "absent" and readable_extra is False):
            yield field_path, "presence", written, readable
        if name in written_fields and name in readable_fields:
            yield from incompatibilities(written_fields[name], readable_fields[name], field_path)
            defaults = written_fields[name].get("default"), readable_fields[name].get("default")
            if written == readable == "optional" and defaults[0] != defaults[1]:
                yield field_path, "default", *defaults


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


def inline_definitions(schema: Schema) -> Schema:
    """Returns the schema with each reference replaced by its definition. A recursive reference stays."""
    definitions = schema.pop("$defs", {})

    def inline(node: Any, parents: tuple[str, ...]) -> Any:
        if isinstance(node, list):
            return [inline(child, parents) for child in node]
        if not isinstance(node, dict):
            return node
        name = str(node.get("$ref", "")).rpartition("/")[2]
        if name in definitions and name not in parents:
            siblings = {key: child for key, child in node.items() if key != "$ref"}
            return inline({**definitions[name], **siblings}, (*parents, name))
        return {key: inline(child, parents) for key, child in node.items()}

    inlined: Schema = inline(schema, ())
    return inlined
