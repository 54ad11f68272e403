"""Sends a request to each of the URLs on standard input, in a network where every address there is leads back here.

Run it in a network namespace of its own: `unshare --map-root-user --net python egress_canary.py [networks to allow]`.
What is reached at `PUBLIC` redirects to where its query says; all else is a canary. Prints a JSON object: for each URL
what became of it, and the addresses that packets were sent to.
"""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import unquote

from pydantic import ValidationError

from handoff_contracts.tasks.http_request import HttpRequest
from handoff_worker.delivery.apps import Apps
from handoff_worker.providers.http_request.client import HttpRequestClient
from handoff_worker.settings import Settings

PUBLIC = "8.8.8.8"
SYN_ACK, SYN = 0x12, 0x02
TCP, UDP = 6, 17
MARK = "127.0.0.99"


def prepare() -> None:
    for command in (
        "ip link set lo up",
        "ip route add local 0.0.0.0/0 dev lo",
        "ip -6 route add local ::/0 dev lo",
    ):
        subprocess.run(command.split(), check=True)


def target(frame: bytes) -> str:
    """Where a frame's packet goes: the peer of a new connection, or of a datagram; '' for a reply."""
    packet = frame[14:]
    if packet[0] >> 4 == 4:
        protocol, to, rest = packet[9], packet[16:20], packet[(packet[0] & 15) * 4 :]
    else:
        protocol, to, rest = packet[6], packet[24:40], packet[40:]
    first = protocol == UDP or (protocol == TCP and rest[13] & SYN_ACK == SYN)
    return str(ip_address(to)) if first else ""


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Redirects at the public address. At the other addresses, which are forbidden, it replies 200."""
    asked = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
    location = unquote(asked.partition("?")[2])
    public = writer.get_extra_info("sockname")[0] in (PUBLIC, f"::ffff:{PUBLIC}")
    head = f"302 Found\r\nLocation: {location}" if public and location else "200 OK"
    writer.write(f"HTTP/1.1 {head}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
    await writer.drain()
    writer.close()


async def result(client: HttpRequestClient, url: str) -> str:
    try:
        request = HttpRequest.model_validate({"url": url, "redirects": 3, "timeout": 10})
    except ValidationError:
        return "refused by the contract"
    response = await client.send(request, {}, None)
    return response.reason or response.category.value


def drain(tap: socket.socket) -> set[str]:
    """The targets of all packets up to a datagram that marks the end."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as marker:
        marker.sendto(b"", (MARK, 9))
    found: set[str] = set()
    while MARK not in found:
        frame, (_, _, kind, *_) = tap.recvfrom(65536)
        if kind == socket.PACKET_OUTGOING:  # each is seen twice: as it goes and as it comes back
            found.add(target(frame))
    return found - {MARK, ""}


async def main(urls: list[str], allow: str) -> Mapping[str, object]:
    server = await asyncio.start_server(serve, None, 80, family=socket.AF_UNSPEC)
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
    tap.bind(("lo", 0))
    tap.settimeout(30)
    settings = Settings(egress_allow=allow)
    client = HttpRequestClient(settings, Apps(settings))
    told: dict[str, object] = {}
    for url in urls:
        drain(tap)
        became = await result(client, url)
        told[url] = [became, sorted(drain(tap))]
    await client.aclose()
    tap.close()
    server.close()
    return told


if __name__ == "__main__":
    prepare()
    print(json.dumps(asyncio.run(main(json.load(sys.stdin), "".join(sys.argv[1:])))))  # noqa: T201 - its result
