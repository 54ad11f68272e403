"""Flower's own options: login, read-only mode, memory limits, and the file that keeps its state across restarts."""

import secrets
from collections.abc import Mapping

from handoff_common.settings import is_placeholder
from handoff_flower.settings import Settings

SAVE_INTERVAL_MS = 30_000
PURGE_OFFLINE_WORKERS_SECONDS = 300
MAX_TASKS = 10_000
MAX_WORKERS = 500


def flower_environment(settings: Settings) -> Mapping[str, str]:
    """Return the environment variables from which Flower reads its options."""
    variables = {
        "FLOWER_ADDRESS": settings.flower_host,
        "FLOWER_PORT": str(settings.flower_port),
        "FLOWER_READ_ONLY": "true",  # operators cancel and redrive through the API, which records both
        "FLOWER_MAX_TASKS": str(MAX_TASKS),
        "FLOWER_MAX_WORKERS": str(MAX_WORKERS),
        "FLOWER_PURGE_OFFLINE_WORKERS": str(PURGE_OFFLINE_WORKERS_SECONDS),
        "FLOWER_BASIC_AUTH": settings.basic_auth.get_secret_value(),
        "FLOWER_COOKIE_SECRET": settings.cookie_secret.get_secret_value(),
    }
    if settings.flower_db:
        variables["FLOWER_DB"] = str(settings.flower_db)
        variables["FLOWER_PERSISTENT"] = "true"
        variables["FLOWER_STATE_SAVE_INTERVAL"] = str(SAVE_INTERVAL_MS)
    if settings.auth:
        del variables["FLOWER_BASIC_AUTH"]
        variables["FLOWER_AUTH"] = settings.auth
    if is_placeholder(settings.cookie_secret.get_secret_value()):
        variables["FLOWER_COOKIE_SECRET"] = secrets.token_urlsafe(32)
    return variables


def needs_login(settings: Settings) -> bool:
    """Return whether no login is set, which only development allows."""
    return not settings.basic_auth.get_secret_value() and not settings.auth
