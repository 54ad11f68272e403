"""Ids: 26 characters that sort by the time they were made, unguessable by their 80 random bits (the ULID format)."""

import re
import secrets
import time

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
TASK_ID = re.compile(rf"[{ALPHABET}]{{26}}(\.\d{{1,7}})?")


def new_id() -> str:
    """A new id for a task or a batch."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def is_id(text: str) -> bool:
    """Whether `text` can be the id of a task, a batch or a pack (`<batch>.<number>`)."""
    return TASK_ID.fullmatch(text) is not None
