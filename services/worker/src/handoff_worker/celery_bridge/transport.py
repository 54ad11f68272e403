"""kombu's Redis transport, made to survive what is no message in a queue's list: it would end each worker in turn."""

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
AGAIN_SECONDS = 1.0
AWAY = (OSError, RedisError)  # kombu's own tuple of a connection's errors has KeyError in it


@contextmanager
def following() -> Iterator[None]:
    """Makes a refusal of Redis a lost connection: Celery would end at it. The consumer waits until Redis serves."""
    try:
        yield
    except OutOfMemoryError:
        raise
    except ResponseError as error:
        outage = explain(error)
        if not outage.known:
            raise
        time.sleep(AGAIN_SECONDS)  # Celery connects again at once, perhaps to the same one
        raise ConnectionError(outage.sentence) from error


class Wary:
    """Drops what can't be read, starts at Redis's memory limit too, and leaves a master that is one no longer."""

    def _queue_bind(self, *args: Any) -> None:
        try:
            with following():
                super()._queue_bind(*args)  # type: ignore[misc]  # one of kombu's channels stands behind it
        except OutOfMemoryError:  # a worker has to start there, to drain it; nothing of ours is routed by bindings
            log.warning("Redis is full: a binding was left out.", extra={"event": "binding.left_out"})

    def _brpop_read(self, **options: Any) -> Any:
        try:
            with following():
                return super()._brpop_read(**options)  # type: ignore[misc]
        except (Empty, *AWAY):
            raise
        except Exception as error:  # its text would quote what was in the list
            log.error("A message can't be read.", extra={"event": "message.unreadable", "error": type(error).__name__})
            return True


class Channel(Wary, RedisChannel):
    pass


class Transport(RedisTransport):
    """What kombu takes for the URLs of Redis, once this is installed."""

    Channel = Channel


class ManagedChannel(Wary, SentinelChannel):
    pass


class ManagedTransport(SentinelTransport):
    """The same for those of sentinels."""

    Channel = ManagedChannel


def install() -> None:
    """Makes every connection of this process use them."""
    for scheme, transport in (("redis", Transport), ("rediss", Transport), ("sentinel", ManagedTransport)):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:{transport.__qualname__}"
