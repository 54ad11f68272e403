"""Ids in the ULID format: 26 characters that sort by creation time and have 80 random bits."""

import re
import secrets
import time
from functools import lru_cache

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LETTERS = bytes(ord(ALPHABET[byte & 31]) for byte in range(256))  # 5 random bits for each random byte
TASK_ID = re.compile(rf"[{ALPHABET}]{{26}}(\.[0-9]{{1,7}})?")


def new_id() -> str:
    """Returns a new id for a task or a batch."""
    return _stamp(time.time_ns() // 1_000_000) + secrets.token_bytes(16).translate(LETTERS).decode()


@lru_cache(maxsize=1)
def _stamp(milliseconds: int) -> str:
    return "".join(ALPHABET[milliseconds >> shift & 31] for shift in range(45, -1, -5))


def is_id(text: str) -> bool:
    """Returns whether `text` has the form of the id of a task, a batch or a pack (`<batch>.<number>`)."""
    return TASK_ID.fullmatch(text) is not None
