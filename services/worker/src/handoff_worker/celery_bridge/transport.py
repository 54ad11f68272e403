"""kombu's Redis transport, hardened: an unreadable message or an outage of Redis would otherwise end the worker."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES
from kombu.transport.redis import Channel as RedisChannel
from kombu.transport.redis import SentinelChannel, SentinelTransport
from kombu.transport.redis import Transport as RedisTransport
from redis.exceptions import ConnectionError, OutOfMemoryError, RedisError, ResponseError

from handoff_ledger.outages import explain

log = logging.getLogger(__name__)
RECONNECT_DELAY_SECONDS = 1.0
CONNECTION_ERRORS = (OSError, RedisError)  # kombu's own tuple contains KeyError


@contextmanager
def outages_as_lost_connections() -> Iterator[None]:
    """Turns an error reply that means an outage into a `ConnectionError`, after which Celery reconnects.

    Celery would end the worker at the error reply itself.

    Raises:
        OutOfMemoryError: Redis is at its memory limit.
        ConnectionError: Redis can't serve now, for example because a failover made it a replica.
    """
    try:
        yield
    except OutOfMemoryError:
        raise
    except ResponseError as error:
        outage = explain(error)
        if not outage.known:
            raise
        time.sleep(RECONNECT_DELAY_SECONDS)  # Celery reconnects at once, possibly to the same Redis
        raise ConnectionError(outage.sentence) from error


def log_unreadable(error: Exception) -> None:
    """Logs that the worker dropped a message. The error's text quotes the message, so the log has only its type."""
    log.error(
        "The worker dropped an unreadable message.",
        extra={"event": "message.unreadable", "error": type(error).__name__},
    )


class ResilientChannel:
    """Drops unreadable messages, starts while Redis is full, and reconnects when its master became a replica."""

    def _queue_bind(self, *args: Any) -> None:
        try:
            with outages_as_lost_connections():
                super()._queue_bind(*args)  # type: ignore[misc]  # the next class is a channel of kombu's
        except OutOfMemoryError:  # Handoff needs no binding, and this worker must start to drain Redis
            log.warning("Redis is full: the worker skipped a binding.", extra={"event": "binding.left_out"})

    def _brpop_read(self, **options: Any) -> Any:
        try:
            with outages_as_lost_connections():
                return super()._brpop_read(**options)  # type: ignore[misc]
        except (Empty, *CONNECTION_ERRORS):
            raise
        except Exception as error:
            log_unreadable(error)
            return True


class ResilientRedisChannel(ResilientChannel, RedisChannel):
    pass


class ResilientRedisTransport(RedisTransport):
    """The transport of `redis://` and `rediss://` URLs."""

    Channel = ResilientRedisChannel


class ResilientSentinelChannel(ResilientChannel, SentinelChannel):
    pass


class ResilientSentinelTransport(SentinelTransport):
    """The transport of `sentinel://` URLs."""

    Channel = ResilientSentinelChannel


def install() -> None:
    """Makes kombu use these transports in this process."""
    for scheme, transport in (
        ("redis", ResilientRedisTransport),
        ("rediss", ResilientRedisTransport),
        ("sentinel", ResilientSentinelTransport),
    ):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:{transport.__qualname__}"
