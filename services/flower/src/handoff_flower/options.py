"""What Flower is told: a login, read-only, bounds for its memory, and where its state outlives it."""

import secrets
from collections.abc import Mapping

from handoff_common.settings import is_placeholder
from handoff_flower.settings import Settings

SAVE_INTERVAL_MS = 30_000


def options(settings: Settings) -> Mapping[str, str]:
    """Flower's options as its environment variables."""
    told = {
        "FLOWER_ADDRESS": settings.flower_host,
        "FLOWER_PORT": str(settings.flower_port),
        "FLOWER_READ_ONLY": "true",  # cancel and redrive are the API's: there they last and are recorded
        "FLOWER_MAX_TASKS": "10000",
        "FLOWER_MAX_WORKERS": "500",
        "FLOWER_PURGE_OFFLINE_WORKERS": "300",  # seconds
        "FLOWER_BASIC_AUTH": settings.basic_auth.get_secret_value(),
        "FLOWER_COOKIE_SECRET": settings.cookie_secret.get_secret_value(),
    }
    if settings.flower_db:
        told["FLOWER_DB"] = str(settings.flower_db)
        told["FLOWER_PERSISTENT"] = "true"
        told["FLOWER_STATE_SAVE_INTERVAL"] = str(SAVE_INTERVAL_MS)
    if settings.auth:
        del told["FLOWER_BASIC_AUTH"]
        told["FLOWER_AUTH"] = settings.auth
    if is_placeholder(settings.cookie_secret.get_secret_value()):
        told["FLOWER_COOKIE_SECRET"] = secrets.token_urlsafe(32)
    return told


def without_login(settings: Settings) -> bool:
    """Whether nobody said who is let in, which only development may have."""
    return not settings.basic_auth.get_secret_value() and not settings.auth
