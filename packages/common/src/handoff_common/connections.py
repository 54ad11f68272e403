"""Connections to Redis, one way for all who connect, and with every wait bounded."""

import ssl
from typing import Any, NamedTuple

from redis import Connection, ConnectionPool, Redis, SSLConnection
from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as AsyncRedis

from handoff_common.broker import Broker
from handoff_common.hiredis_commands import PlainConnection
from handoff_common.sentinels import async_master_pool, master_pool, sentinel_options
from handoff_common.tls import SharedTls

BOUND_SECONDS = 1.5  # the longest that the API waits for Redis
CONNECT_SECONDS = 1.0  # and for a connection to it


class CeleryConnection(NamedTuple):
    """A broker as Celery's settings name it: `url` for broker and backend, `ssl` and `transport` for their options."""

    url: str
    ssl: dict[str, Any] | None
    transport: dict[str, Any]


def blocking_client(url: str) -> Redis:
    """A client for a worker; the ledger decides what is tried again, so the client never does."""
    broker = Broker.parse(url)
    options = _options(broker, socket_timeout=3, socket_connect_timeout=3)  # a keeper that waits longer would be late
    options["health_check_interval"] = 25
    if broker.master:
        return Redis.from_pool(master_pool(broker, options))
    ((host, port),) = broker.nodes
    kind = SSLConnection if broker.tls else Connection
    return Redis.from_pool(ConnectionPool(connection_class=kind, host=host, port=port, **options))


def async_client(url: str) -> AsyncRedis:
    """A client for the API; bounded more tightly than a caller's patience."""
    broker = Broker.parse(url)
    options = _options(broker, socket_timeout=BOUND_SECONDS, socket_connect_timeout=CONNECT_SECONDS)
    options |= {"max_connections": 64, "timeout": BOUND_SECONDS}
    if broker.master:
        return AsyncRedis.from_pool(async_master_pool(broker, options))
    ((host, port),) = broker.nodes
    kind = SharedTls if broker.tls else PlainConnection
    return AsyncRedis.from_pool(BlockingConnectionPool(connection_class=kind, host=host, port=port, **options))


def celery_connection(url: str) -> CeleryConnection:
    """The same broker for Celery, kombu and Flower, which take no options in the URL."""
    broker = Broker.parse(url)
    transport: dict[str, Any] = {
        "socket_timeout": 10,
        "socket_connect_timeout": 3,
        "socket_keepalive": True,
        "health_check_interval": 25,
    }
    tls = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True, "ssl_ca_certs": broker.ca_file}
    if broker.master:
        transport |= {"master_name": broker.master, "sentinel_kwargs": sentinel_options(broker)}
    return CeleryConnection(broker.celery_url, tls if broker.tls else None, transport)


def _options(broker: Broker, **bounds: float) -> dict[str, Any]:
    return {
        "db": broker.database,
        "username": broker.username,
        "password": broker.password,
        "decode_responses": True,
        "socket_keepalive": True,
        "retry": None,
        **({"ssl_ca_certs": broker.ca_file} if broker.tls else {}),
        **bounds,
    }
