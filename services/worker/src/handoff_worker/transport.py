"""kombu's Redis transport, made to survive what is no message in a queue's list: it would end each worker in turn."""

import logging
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES
from kombu.transport.redis import Channel as RedisChannel
from kombu.transport.redis import Transport as RedisTransport
from redis.exceptions import OutOfMemoryError, RedisError

log = logging.getLogger(__name__)
AWAY = (OSError, RedisError)  # kombu's own tuple of a connection's errors has KeyError in it


class Channel(RedisChannel):
    """Drops what can't be read, and starts at Redis's memory limit too."""

    def _queue_bind(self, *args: Any) -> None:
        try:
            super()._queue_bind(*args)  # type: ignore[misc]  # kombu's stubs leave it out
        except OutOfMemoryError:  # a worker has to start there, to drain it; nothing of ours is routed by bindings
            log.warning("Redis is full: a binding was left out.", extra={"event": "binding.left_out"})

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]  # kombu's stubs leave it out
        except (Empty, *AWAY):
            raise
        except Exception as error:  # its text would quote what was in the list
            log.error("A message can't be read.", extra={"event": "message.unreadable", "error": type(error).__name__})
            return True


class Transport(RedisTransport):
    """What kombu takes for the URLs of Redis, once this is installed."""

    Channel = Channel


def install() -> None:
    """Makes every connection of this process use it."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:{Transport.__qualname__}"
