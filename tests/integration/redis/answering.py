"""Servers that are not what a service expects: they say one thing to whoever connects, and close the connection."""

import socket
import ssl
import threading
from pathlib import Path
from typing import Self

DENIED = b"-DENIED Redis is running in protected mode because protected mode is enabled and no password is set.\r\n"
HTTP = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"


class Answering:
    """As a context manager: it listens inside, at `port`. With a `certificate` it serves TLS alone."""

    def __init__(self, answer: bytes, certificate: Path | None = None) -> None:
        self._answer = answer
        self._tls: ssl.SSLContext | None = None
        if certificate:
            self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self._tls.load_cert_chain(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # the test is over
                return
            with connection:
                connection.settimeout(5)
                try:
                    self._say(connection)
                except OSError:  # the client is gone, or speaks no TLS
                    continue

    def _say(self, connection: socket.socket) -> None:
        if self._tls:
            with self._tls.wrap_socket(connection, server_side=True) as secure:
                secure.sendall(self._answer)
            return
        connection.sendall(self._answer)
        while connection.recv(4096):  # to close with something unread would be a reset
            pass

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
