"""Which addresses may be reached, and that only those are."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator

import httpcore2
import pytest

from handoff_worker.providers.http_request.egress import AddressForbidden, EgressBackend
from handoff_worker.settings import Settings, parse_networks

ALLOWED = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"]
FORBIDDEN = [
    *("0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16"),
    *("169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1"),
    *("198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::7f00:1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1"),
    *("64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::"),
    *(
        "2002:808:808::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%lo",
        "fec0::1",
        "ff02::1",
    ),
]


@pytest.fixture
def out() -> Iterator[EgressBackend]:
    egress = EgressBackend()
    yield egress
    egress.close()


@pytest.mark.parametrize("address", ALLOWED)
def test_the_internet_is_allowed(out: EgressBackend, address: str) -> None:
    assert out.allowed(address)


@pytest.mark.parametrize("address", FORBIDDEN)
def test_other_networks_are_forbidden(out: EgressBackend, address: str) -> None:
    assert not out.allowed(address)


def test_only_listed_networks_are_allowed_besides() -> None:
    out = EgressBackend(parse_networks("10.1.0.0/16, fd00:1::/64"))
    assert all(map(out.allowed, ["10.1.2.3", "::ffff:10.1.2.3", "fd00:1::5", "8.8.8.8"]))
    assert not any(map(out.allowed, ["10.2.0.1", "::ffff:10.2.0.1", "fd00:2::5", "127.0.0.1"]))


def test_a_list_of_all_ipv6_does_not_allow_ipv4() -> None:
    assert not EgressBackend(parse_networks("::/0")).allowed("::ffff:10.0.0.1")


@pytest.mark.parametrize("text", ["10.1.0.1/16", "10.1.0.0/33", "example.com", "10.1.0.0/16;"])
def test_a_malformed_list_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(ValueError, match="HANDOFF_EGRESS_ALLOW is a list"):
        Settings(egress_allow=text)


@pytest.mark.parametrize("host", ["2130706433", "0177.0.0.1", "0x7f.1", "0x7f000001", "127.1", "0", "localhost", "::1"])
async def test_every_notation_of_an_address_is_read_before_it_is_checked(out: EgressBackend, host: str) -> None:
    with pytest.raises(AddressForbidden):
        await out.resolve(host, 80)


async def test_one_forbidden_address_forbids_the_name(out: EgressBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    def both(*_: object, **__: object) -> list[object]:
        return [(2, 1, 6, "", (address, 80)) for address in ("8.8.8.8", "10.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with pytest.raises(AddressForbidden):
        await out.resolve("mixed.example", 80)


async def test_dns_rebinding_reaches_only_a_checked_address(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = ["127.0.0.2", "127.0.0.1"]  # the first of them is listed, the second is what the attacker is after
    lookups: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.setblocking(False)
        port = canary.getsockname()[1]
        with socket.create_server(("127.0.0.2", port)):

            def rebinding(*_: object, **__: object) -> list[object]:
                lookups.append(answers[len(lookups)])
                return [(2, 1, 6, "", (lookups[-1], port))]

            monkeypatch.setattr(socket, "getaddrinfo", rebinding)
            out = EgressBackend(parse_networks("127.0.0.2/32"))
            stream = await out.connect_tcp("rebinding.example", port, 20)
            assert stream.get_extra_info("server_addr") == ("127.0.0.2", port)
            await stream.aclose()
            with pytest.raises(AddressForbidden):
                await out.connect_tcp("rebinding.example", port, 20)
        assert lookups == answers
        with pytest.raises(BlockingIOError):
            canary.accept()
        out.close()


async def test_the_next_address_is_tried_when_one_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.2", 0)) as server:
        port = server.getsockname()[1]

        def two(*_: object, **__: object) -> list[object]:
            return [(2, 1, 6, "", (address, port)) for address in ("127.7.7.7", "127.0.0.2")]

        monkeypatch.setattr(socket, "getaddrinfo", two)
        out = EgressBackend(parse_networks("127.0.0.0/8"))
        stream = await out.connect_tcp("two.example", port, 20)
        assert stream.get_extra_info("server_addr") == ("127.0.0.2", port)
        await stream.aclose()
        out.close()


async def test_slow_name_resolution_delays_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, found = threading.Event(), [(2, 1, 6, "", ("127.0.0.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found if slow.wait(60) else [])
    out = EgressBackend()
    began = time.monotonic()
    for _ in range(20):
        with pytest.raises(httpcore2.ConnectTimeout):
            await out.connect_tcp("slow.example", 80, 0.01)
    await asyncio.to_thread(int)
    assert time.monotonic() - began < 30
    slow.set()
    out.close()


async def test_unix_sockets_are_forbidden(out: EgressBackend) -> None:
    with pytest.raises(AddressForbidden):
        await out.connect_unix_socket("/run/docker.sock")
