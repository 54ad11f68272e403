"""Header fields as RFC 9110 defines them: values without surrounding whitespace, repeated lines combined (5.3, 5.5)."""

from collections.abc import Sequence

from handoff_api.problems import REPEATED_FIELD, FieldError, Problem

# Request fields whose value is not a list, so that a second line has no meaning. All other fields are combined.
SINGLETONS = {
    b"access-control-request-method",
    b"authorization",
    b"content-length",
    b"content-location",
    b"content-range",
    b"content-type",
    b"date",
    b"from",
    b"host",
    b"idempotency-key",
    b"if-modified-since",
    b"if-range",
    b"if-unmodified-since",
    b"last-event-id",
    b"max-forwards",
    b"origin",
    b"proxy-authorization",
    b"range",
    b"referer",
    b"traceparent",
    b"user-agent",
    b"x-request-id",
}


def combine_fields(lines: Sequence[tuple[bytes, bytes]]) -> tuple[dict[bytes, bytes], Problem | None]:
    """Return the value of each field by its lower-case name, and a problem that names the repeated singletons.

    A repeated singleton is left out of the values, so that no code can act on one of its lines.
    """
    fields = {name: value.strip(b" \t") for name, value in lines}
    if len(fields) == len(lines):
        return fields, None
    values: dict[bytes, list[bytes]] = {}
    for name, value in lines:
        values.setdefault(name, []).append(value.strip(b" \t"))
    repeated = sorted(name for name in SINGLETONS if len(values.get(name, ())) > 1)
    for name in repeated:
        del values[name]
    fields = {name: (b"; " if name == b"cookie" else b", ").join(parts) for name, parts in values.items()}
    errors = [FieldError(f"header.{name.decode().title()}", "Send this field once") for name in repeated]
    return fields, Problem(REPEATED_FIELD, errors=errors) if errors else None
