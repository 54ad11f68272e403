"""Mail servers, a way to send mails to them, and a private certificate authority."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from redis import Redis as Client

from tests.integration.providers.email.mail_servers import MailSink, Server, SmtpSimulator
from tests.integration.providers.email.posting import Post


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(ca: trustme.CA, tmp_path: Path) -> Path:
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return tmp_path / "ca.pem"


@pytest.fixture
def certified(ca: trustme.CA) -> Callable[[str], ssl.SSLContext]:
    """What a server of that name needs for TLS."""

    def context(name: str) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert(name).configure_cert(made)
        return made

    return context


@pytest.fixture
def serve() -> Iterator[Callable[[Server], None]]:
    """Starts a server, and stops it after the test."""
    servers: list[Server] = []

    def start(server: Server) -> None:
        server.start()
        servers.append(server)

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def sink(serve: Callable[[Server], None]) -> MailSink:
    """aiosmtpd, without TLS."""
    sink = MailSink(enable_SMTPUTF8=True)
    serve(sink)
    return sink


@pytest.fixture
def simulator(serve: Callable[[Server], None]) -> SmtpSimulator:
    simulator = SmtpSimulator()
    serve(simulator)
    return simulator


@pytest.fixture
def post(redis_url: str, redis: Client, tmp_path: Path) -> Iterator[Post]:
    post = Post(redis_url, redis, tmp_path)
    yield post
    post.close()
