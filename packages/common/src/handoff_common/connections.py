"""Redis clients for every service, each with a limit on every wait."""

import ssl
from typing import Any, NamedTuple

from redis import Connection, ConnectionPool, Redis, SSLConnection
from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as AsyncRedis

from handoff_common.broker import Broker
from handoff_common.hiredis_commands import PlainConnection
from handoff_common.sentinels import async_master_pool, master_pool, sentinel_options
from handoff_common.tls import TlsConnection

COMMAND_TIMEOUT_SECONDS = 1.5  # for the API: the limit on one command, and on the wait for a free connection
CONNECT_TIMEOUT_SECONDS = 1.0
WORKER_TIMEOUT_SECONDS = 3  # on one command and on connecting: a longer wait would delay the renewal of leases
HEALTH_CHECK_SECONDS = 25  # a connection that was idle for longer is checked before its next use


class CeleryConnection(NamedTuple):
    """The broker in the terms of Celery's settings: `url` with its TLS options `ssl` and transport options."""

    url: str
    ssl: dict[str, Any] | None
    transport: dict[str, Any]


def sync_client(url: str) -> Redis:
    """Returns a client for a worker. It never retries: the ledger decides which calls to repeat."""
    broker = Broker.parse(url)
    options = _options(broker, socket_timeout=WORKER_TIMEOUT_SECONDS, socket_connect_timeout=WORKER_TIMEOUT_SECONDS)
    options["health_check_interval"] = HEALTH_CHECK_SECONDS
    if broker.master:
        return Redis.from_pool(master_pool(broker, options))
    ((host, port),) = broker.nodes
    connection_class = SSLConnection if broker.tls else Connection
    return Redis.from_pool(ConnectionPool(connection_class=connection_class, host=host, port=port, **options))


def async_client(url: str) -> AsyncRedis:
    """Returns a client for the API and Flower. It gives up sooner than `sync_client`, because a user waits."""
    broker = Broker.parse(url)
    options = _options(broker, socket_timeout=COMMAND_TIMEOUT_SECONDS, socket_connect_timeout=CONNECT_TIMEOUT_SECONDS)
    options |= {"max_connections": 64, "timeout": COMMAND_TIMEOUT_SECONDS}
    if broker.master:
        return AsyncRedis.from_pool(async_master_pool(broker, options))
    ((host, port),) = broker.nodes
    connection_class = TlsConnection if broker.tls else PlainConnection
    pool = BlockingConnectionPool(connection_class=connection_class, host=host, port=port, **options)
    return AsyncRedis.from_pool(pool)


def celery_connection(url: str) -> CeleryConnection:
    """Returns the broker in the form that Celery, kombu and Flower accept: options separate from the URL."""
    broker = Broker.parse(url)
    transport: dict[str, Any] = {
        "socket_timeout": 10,
        "socket_connect_timeout": 3,
        "socket_keepalive": True,
        "health_check_interval": HEALTH_CHECK_SECONDS,
    }
    tls = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True, "ssl_ca_certs": broker.ca_file}
    if broker.master:
        transport |= {"master_name": broker.master, "sentinel_kwargs": sentinel_options(broker)}
    return CeleryConnection(broker.celery_url, tls if broker.tls else None, transport)


def _options(broker: Broker, **timeouts: float) -> dict[str, Any]:
    return {
        "db": broker.database,
        "username": broker.username,
        "password": broker.password,
        "decode_responses": True,
        "socket_keepalive": True,
        "retry": None,
        **({"ssl_ca_certs": broker.ca_file} if broker.tls else {}),
        **timeouts,
    }
