"""A Redis behind TLS, as managed ones are, with a certificate from a CA of its own."""

import socket
import sys
from pathlib import Path
from typing import Self

import trustme

from process import Process, free_port, stop_together
from stack import Redis, clean_environment


class Authority:
    """A CA. `ca_file` is what a client has to trust, `certificate` what a server on this machine shows."""

    def __init__(self, folder: Path, name: str = "ca", host: str = "127.0.0.1") -> None:
        ca = trustme.CA()
        self.ca_file = folder / f"{name}.pem"
        self.certificate = folder / f"{name}-server.pem"
        ca.cert_pem.write_to_path(str(self.ca_file))
        ca.issue_cert(host).private_key_and_cert_chain_pem.write_to_path(str(self.certificate))


class Relay(Process):
    """The port with TLS before the one without."""

    def __init__(self, folder: Path, authority: Authority, *, target: int) -> None:
        self.port = free_port()
        program = str(Path(__file__).with_name("relay.py"))
        command = [sys.executable, program, str(self.port), str(target), str(authority.certificate)]
        super().__init__(f"relay-{self.port}", command, folder=folder, env=clean_environment())

    def ready(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class SecureRedis:
    """As a context manager: it runs inside, with the user `handoff`, and is reached over TLS at `port`."""

    def __init__(self, folder: Path, authority: Authority, *, password: str) -> None:
        self.redis = Redis(folder, port=free_port(), appendonly=True)
        self.redis.command += ["--user", "handoff", "on", f">{password}", "~*", "&*", "+@all"]
        self._relay = Relay(folder, authority, target=self.redis.port)
        self.port = self._relay.port

    def __enter__(self) -> Self:
        try:
            for process in (self.redis, self._relay):
                process.start()
                process.wait_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        stop_together([self._relay, self.redis])
