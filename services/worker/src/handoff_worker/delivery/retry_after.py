"""The `Retry-After` header of HTTP (RFC 9110, section 10.2.3)."""

from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER_SECONDS = 86_400.0


def parse_retry_after(text: str, now: float) -> float | None:
    """The seconds that a `Retry-After` asks for, between 0 and a day. None if it is neither a number nor a date.

    `now`: Unix time in seconds, from which a date counts.
    """
    text = text.strip()
    try:
        is_number = text.isascii() and text.isdecimal()
        seconds = float(text) if is_number else parsedate_to_datetime(text).timestamp() - now
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)
