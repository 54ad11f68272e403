"""Generates the secrets that Compose and Kubernetes mount into the services as files.

A service reads a setting from a mounted file with the name of the setting. Redis stores a hash of each user's password.
"""

import secrets
from collections.abc import Mapping

from handoff_ledger.acl import RULES, users_file

SERVICES = ("api", "worker", "flower")


def new_secret() -> str:
    """Return 128 random bits as hex digits, which need no quoting in a URL, a shell or a YAML file."""
    return secrets.token_hex(16)


def new_passwords() -> dict[str, str]:
    """Return a new password for each Redis user."""
    return {user: new_secret() for user in RULES}


def redis_urls(passwords: Mapping[str, str], host: str) -> dict[str, str]:
    """Return the CELERY_BROKER_URL of each service."""
    return {service: f"redis://{service}:{passwords[service]}@{host}/0" for service in SERVICES}


__all__ = ["SERVICES", "new_passwords", "new_secret", "redis_urls", "users_file"]
