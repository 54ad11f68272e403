"""Clients that send one byte a second, and never come to an end."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from tests.faults.scene import Scene

START = b"POST /v1/tasks/faults.effect HTTP/1.1\r\nHost: slow\r\nContent-Type: application/json\r\n"
BODY = START + b"Content-Length: 900000\r\n\r\n"  # what never comes is the body; with START it is the end of the head


@contextmanager
def slow_clients(scene: Scene, count: int) -> Iterator[list[socket.socket]]:
    """Inside the block so many are connected."""
    address = urlsplit(scene.stack.api.url)
    host, port = str(address.hostname), int(address.port or 80)
    sockets = [socket.create_connection((host, port), timeout=5) for _ in range(count)]
    for number, each in enumerate(sockets):
        each.sendall(BODY if number % 2 else START)
    stopped = threading.Event()

    def drip() -> None:
        while not stopped.wait(1):
            for each in sockets:
                try:
                    each.send(b"x")
                except OSError:
                    continue  # the API closed it, as expected

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    try:
        yield sockets
    finally:
        stopped.set()
        thread.join()
        for each in sockets:
            each.close()
