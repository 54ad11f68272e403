"""The secrets of an installation: what Compose and Kubernetes put before the services as files.

A service reads each of its settings from a file of the setting's name, where there is one. Redis knows its users by a
hash of their passwords.
"""

import secrets
from collections.abc import Mapping

from handoff_ledger.acl import RULES, users_file

SERVICES = ("api", "worker", "flower")


def new_secret() -> str:
    """128 random bits, without a character that a URL, a shell or a YAML file would take for something else."""
    return secrets.token_hex(16)


def new_passwords() -> dict[str, str]:
    """A password for each user of Redis."""
    return {user: new_secret() for user in RULES}


def redis_urls(passwords: Mapping[str, str], host: str) -> dict[str, str]:
    """CELERY_BROKER_URL for each service."""
    return {service: f"redis://{service}:{passwords[service]}@{host}/0" for service in SERVICES}


__all__ = ["SERVICES", "new_passwords", "new_secret", "redis_urls", "users_file"]
