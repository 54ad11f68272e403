"""Pools whose connections lead to the master that sentinels name.

Sentinels are asked seldom, so no connection to them is kept: it would be dead by the time it is needed.
"""
# mypy: allow-untyped-calls
# redis-py's module has no types.

from collections.abc import Mapping
from typing import Any

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.sentinel import MasterNotFoundError as AsyncMasterNotFoundError
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.asyncio.sentinel import SentinelConnectionPool as AsyncSentinelConnectionPool
from redis.exceptions import RedisError
from redis.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool

from handoff_common.broker import Address, Broker
from handoff_common.hiredis_commands import MasterConnection
from handoff_common.tls import MasterTls

MASTERLESS = (MasterNotFoundError, AsyncMasterNotFoundError)
ADDRESS = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME")
PATIENCE_SECONDS = 0.5  # for one sentinel, so that another can be asked within the ledger's bound


def sentinel_options(broker: Broker) -> dict[str, Any]:
    """How a sentinel is asked, as redis-py and kombu take it."""
    return {
        "password": broker.sentinel_password,
        "ssl": broker.tls,
        "ssl_ca_certs": broker.ca_file,
        "socket_timeout": PATIENCE_SECONDS,
        "socket_connect_timeout": PATIENCE_SECONDS,
        "retry": None,
    }


def master_pool(broker: Broker, options: Mapping[str, Any]) -> SentinelConnectionPool:
    sentinels = Sentinels(broker.nodes, sentinel_kwargs=sentinel_options(broker))
    return SentinelConnectionPool(broker.master, sentinels, ssl=broker.tls, **options)


def async_master_pool(broker: Broker, options: Mapping[str, Any]) -> BlockingConnectionPool:
    sentinels = AsyncSentinels(broker.nodes, sentinel_kwargs=sentinel_options(broker))
    kind = MasterTls if broker.tls else MasterConnection
    return AsyncMasterPool(broker.master, sentinels, connection_class=kind, **options)


class UnknownMaster(Exception):
    """A sentinel answered that it watches no master of this name."""


class Sentinels(Sentinel):
    def discover_master(self, service_name: str) -> Address:
        try:
            return self._found(service_name)
        finally:
            for sentinel in self.sentinels:
                sentinel.connection_pool.disconnect(inuse_connections=False)

    def _found(self, service_name: str) -> Address:
        try:
            address: Address = super().discover_master(service_name)
        except MasterNotFoundError as error:
            missing = error
        else:
            return address
        raise missing from self._fault(service_name)  # out here, or each would be the other's context

    def _fault(self, service_name: str) -> Exception | None:
        """Why the first one names no master: redis-py leaves that out."""
        try:
            known = self.sentinels[0].execute_command(*ADDRESS, service_name)
        except RedisError as fault:
            return fault
        return None if known else UnknownMaster()


class AsyncSentinels(AsyncSentinel):
    async def discover_master(self, service_name: str) -> Address:
        try:
            return await self._found(service_name)
        finally:
            for sentinel in self.sentinels:
                await sentinel.connection_pool.disconnect(inuse_connections=False)

    async def _found(self, service_name: str) -> Address:
        try:
            address: Address = await super().discover_master(service_name)
        except AsyncMasterNotFoundError as error:
            missing = error
        else:
            return address
        raise missing from await self._fault(service_name)  # out here, or each would be the other's context

    async def _fault(self, service_name: str) -> Exception | None:
        try:
            known = await self.sentinels[0].execute_command(*ADDRESS, service_name)
        except RedisError as fault:
            return fault
        return None if known else UnknownMaster()


class AsyncMasterPool(AsyncSentinelConnectionPool, BlockingConnectionPool):
    """As many connections as there may be; who finds none waits for one."""
