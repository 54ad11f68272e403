"""Connects to hosts that clients name, and only to addresses that were checked.

A name is resolved once, all its addresses are checked, and the connection goes to one of them. So DNS rebinding does
not help an attacker. TLS and the Host header keep the name.
"""

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpcore2

from handoff_worker.settings import Network

MAX_ADDRESSES = 4  # of a name that are tried
KEEPALIVE_SECONDS = 4.0  # most servers close an idle connection after 5 s, which would break a request on it
INTERNET_V6 = ip_network("2000::/3")  # the rest is private, link-local, multicast, NAT64, mapped IPv4 or unassigned
FORBIDDEN = [
    *(ip_network(block) for block in ("0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")),
    ip_network("100.64.0.0/10"),  # carrier-grade NAT
    ip_network("168.63.129.16/32"),  # Azure's host agent, at a public address
    ip_network("169.254.0.0/16"),  # link-local: the clouds' metadata
    *(ip_network(block) for block in ("192.0.0.0/24", "198.18.0.0/15", "2001::/23")),  # protocols, benchmarks, Teredo
    *(ip_network(block) for block in ("192.88.99.0/24", "2002::/16")),  # 6to4
    *(ip_network(block) for block in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")),  # documentation
    *(ip_network(block) for block in ("2001:db8::/32", "3fff::/20")),  # documentation
    *(ip_network(block) for block in ("224.0.0.0/4", "240.0.0.0/4")),  # multicast, reserved, broadcast
]

# The client's debug log contains headers and addresses.
logging.getLogger("httpcore2").setLevel(logging.WARNING)


class AddressForbidden(Exception):
    """The host has a forbidden address. Nothing was sent."""


class EgressBackend(httpcore2.AsyncNetworkBackend):
    """Makes the connections of httpcore's pools. `allow`: networks that are allowed although `FORBIDDEN` has them."""

    def __init__(self, allow: Sequence[Network] = ()) -> None:
        self._allow = allow
        self._tcp = httpcore2.AnyIOBackend()
        # Own threads, so that slow name resolution does not delay the calls to the ledger.
        self._resolvers = ThreadPoolExecutor(8, "resolve")

    def pool(self) -> httpcore2.AsyncConnectionPool:
        """A pool of HTTP/1.1 connections through this backend. It ignores proxies in the environment."""
        return httpcore2.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=None,  # the contract's concurrency bounds the requests in flight
            max_keepalive_connections=100,
            keepalive_expiry=KEEPALIVE_SECONDS,
            network_backend=self,
        )

    def close(self) -> None:
        self._resolvers.shutdown(wait=False, cancel_futures=True)

    def allowed(self, text: str) -> bool:
        """Whether connections to an address are allowed."""
        address: IPv4Address | IPv6Address = ip_address(text)
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped  # the kernel would connect to the IPv4 address
        if any(address in network for network in self._allow):
            return True
        if address.version == 6 and address not in INTERNET_V6:
            return False
        return not any(address in network for network in FORBIDDEN)

    async def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of a name, or of an address in any notation that the resolver understands.

        Raises:
            AddressForbidden: one of them is forbidden.
            httpcore2.ConnectError: there is none.
        """
        lookup = partial(socket.getaddrinfo, host.encode(), port, type=socket.SOCK_STREAM)
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._resolvers, lookup)
        except OSError:
            raise httpcore2.ConnectError("The host has no address.") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not all(map(self.allowed, addresses)):
            raise AddressForbidden
        return addresses[:MAX_ADDRESSES]

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connects to the first address of a host that accepts, within `timeout` seconds.

        Raises:
            AddressForbidden: the host has a forbidden address.
            httpcore2.ConnectError, httpcore2.ConnectTimeout: no address accepts.
        """
        seconds = 10.0 if timeout is None else timeout
        deadline = time.monotonic() + seconds
        try:
            async with asyncio.timeout(seconds):
                addresses = await self.resolve(host, port)
        except TimeoutError:
            raise httpcore2.ConnectTimeout("The host was not resolved in time.") from None
        # In turn: each address gets an equal share of the time that is left.
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            share = max(deadline - time.monotonic(), 0.0) / left
            try:
                return await self._tcp.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if left == 1:
                    raise
        raise httpcore2.ConnectError("The host has no address.")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        raise AddressForbidden

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
