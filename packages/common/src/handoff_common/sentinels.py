"""Connection pools that follow the master named by the sentinels.

No connection to a sentinel is kept open: failovers are rare, and it would be dead before the next one.
"""
# mypy: allow-untyped-calls
# redis-py's sentinel module has no types.

from collections.abc import Mapping
from typing import Any

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.sentinel import MasterNotFoundError as AsyncMasterNotFoundError
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.asyncio.sentinel import SentinelConnectionPool as AsyncSentinelConnectionPool
from redis.exceptions import RedisError
from redis.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool

from handoff_common.broker import Address, Broker
from handoff_common.hiredis_commands import PlainMasterConnection
from handoff_common.tls import TlsMasterConnection

MASTER_NOT_FOUND = (MasterNotFoundError, AsyncMasterNotFoundError)
GET_MASTER = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME")
SENTINEL_TIMEOUT_SECONDS = 0.5  # short enough to ask a second sentinel within COMMAND_TIMEOUT_SECONDS


def sentinel_options(broker: Broker) -> dict[str, Any]:
    """Returns the options for connections to sentinels, as redis-py and kombu expect them."""
    return {
        "password": broker.sentinel_password,
        "ssl": broker.tls,
        "ssl_ca_certs": broker.ca_file,
        "socket_timeout": SENTINEL_TIMEOUT_SECONDS,
        "socket_connect_timeout": SENTINEL_TIMEOUT_SECONDS,
        "retry": None,
    }


def master_pool(broker: Broker, options: Mapping[str, Any]) -> SentinelConnectionPool:
    """Returns a pool of connections to the master. `options` are redis-py's, for each connection."""
    sentinels = Sentinels(broker.nodes, sentinel_kwargs=sentinel_options(broker))
    return SentinelConnectionPool(broker.master, sentinels, ssl=broker.tls, **options)


def async_master_pool(broker: Broker, options: Mapping[str, Any]) -> BlockingConnectionPool:
    """Returns a pool of asyncio connections to the master. `options` are redis-py's."""
    sentinels = AsyncSentinels(broker.nodes, sentinel_kwargs=sentinel_options(broker))
    connection_class = TlsMasterConnection if broker.tls else PlainMasterConnection
    return AsyncMasterPool(broker.master, sentinels, connection_class=connection_class, **options)


class UnknownMaster(Exception):
    """A sentinel answered that it monitors no master of this name."""


class Sentinels(Sentinel):
    """Finds the master, and gives the cause when no sentinel names it."""

    def discover_master(self, service_name: str) -> Address:
        """Returns the master's host and port, and closes the connections to sentinels.

        Raises:
            MasterNotFoundError: no sentinel names a master. Its cause is the first sentinel's error.
        """
        try:
            return self._discover(service_name)
        finally:
            for sentinel in self.sentinels:
                sentinel.connection_pool.disconnect(inuse_connections=False)

    def _discover(self, service_name: str) -> Address:
        try:
            address: Address = super().discover_master(service_name)
        except MasterNotFoundError as error:
            not_found = error
        else:
            return address
        raise not_found from self._find_cause(service_name)  # outside `except`: no second, implicit chain of errors

    def _find_cause(self, service_name: str) -> Exception | None:
        try:
            address = self.sentinels[0].execute_command(*GET_MASTER, service_name)
        except RedisError as error:
            return error
        return None if address else UnknownMaster()


class AsyncSentinels(AsyncSentinel):
    """`Sentinels` for asyncio."""

    async def discover_master(self, service_name: str) -> Address:
        """Returns the master's host and port, and closes the connections to sentinels.

        Raises:
            MasterNotFoundError: no sentinel names a master. Its cause is the first sentinel's error.
        """
        try:
            return await self._discover(service_name)
        finally:
            for sentinel in self.sentinels:
                await sentinel.connection_pool.disconnect(inuse_connections=False)

    async def _discover(self, service_name: str) -> Address:
        try:
            address: Address = await super().discover_master(service_name)
        except AsyncMasterNotFoundError as error:
            not_found = error
        else:
            return address
        raise not_found from await self._find_cause(service_name)  # outside `except`, as in `Sentinels`

    async def _find_cause(self, service_name: str) -> Exception | None:
        try:
            address = await self.sentinels[0].execute_command(*GET_MASTER, service_name)
        except RedisError as error:
            return error
        return None if address else UnknownMaster()


class AsyncMasterPool(AsyncSentinelConnectionPool, BlockingConnectionPool):
    """Waits for a free connection when all are in use."""
