"""Handoff as production runs it: a client's key, logs, and a Redis with an append-only file."""

import secrets
from pathlib import Path

from handoff_api.auth import digest
from stack import Stack

PEPPER, KEY = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
HEADERS = {"Authorization": f"Bearer {KEY}"}
SETTINGS = {
    "HANDOFF_ENV": "production",
    "HANDOFF_API_KEY_PEPPER": PEPPER,
    "HANDOFF_API_KEYS": f"bench={digest(PEPPER, KEY)}",
}


def production(folder: Path, *, workers: int = 1, **settings: str) -> Stack:
    """A stack that is not started yet. A worker has two processes."""
    return Stack(folder, settings={**SETTINGS, **settings}, workers=workers, appendonly=True)
