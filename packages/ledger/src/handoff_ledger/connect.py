"""Connections to Redis with every wait bounded, and the errors that mean it is away."""

from redis import Redis
from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TimeoutError,
)
from redis.retry import Retry

from handoff_ledger.errors import LedgerUnavailable

BOUND_S = 1.5  # the longest that the API waits for Redis

# What may mean that Redis takes no call now; `unavailable` tells.
TRANSIENT = (ConnectionError, TimeoutError, ResponseError, OSError)


def blocking_client(url: str) -> Redis:
    """A client for a worker; the ledger decides what is tried again, so the client never does."""
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=3,  # a keeper that waits longer would be late with its leases
        socket_connect_timeout=3,
        socket_keepalive=True,
        health_check_interval=25,
        retry=Retry(NoBackoff(), 0),
    )


def async_client(url: str) -> AsyncRedis:
    """A client for the API; bounded more tightly than a caller's patience."""
    pool = BlockingConnectionPool.from_url(
        url,
        decode_responses=True,
        socket_timeout=BOUND_S,
        socket_connect_timeout=1,
        socket_keepalive=True,
        retry=AsyncRetry(NoBackoff(), 0),
        max_connections=64,
        timeout=BOUND_S,
    )
    return AsyncRedis.from_pool(pool)


def unavailable(error: Exception) -> LedgerUnavailable:
    """The ledger's word for a transient error of the client. Any other is raised again."""
    if type(error) is ResponseError:
        return _refusal(error)
    if isinstance(error, OutOfMemoryError):
        return LedgerUnavailable("Redis has reached its memory limit.")
    if isinstance(error, BusyLoadingError):
        return LedgerUnavailable("Redis is loading its data.")
    if isinstance(error, ReadOnlyError):
        return LedgerUnavailable("Redis is a replica now.")
    return LedgerUnavailable("Redis did not answer in time.")


def _refusal(error: ResponseError) -> LedgerUnavailable:
    # redis-py has no class for these: a disk that is full, too few replicas, a script that runs too long.
    if str(error).startswith(("MISCONF", "NOREPLICAS", "BUSY")):
        return LedgerUnavailable("Redis takes no writes now.")
    raise error
