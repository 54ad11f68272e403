"""Redis as people set it up wrongly: each place gives the URL under which a service looks for it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from redis import Redis as Client

from process import free_port
from stack import Redis
from tests.integration.redis.answering import Answering
from tests.integration.redis.tls import Authority, Relay

Place = Callable[[Path], AbstractContextManager[str]]
SECRET = "planted-secret"
# Users by name, with what each may do. `former` has a password, and may not log in.
USERS: Mapping[str, str] = {
    "no-channels": "on ~* resetchannels +@all",
    "no-keys": "on &* +@all ~other:*",
    "read-only": "on &* +@all %R~*",
    "no-eval": "on ~* &* +@all -eval -evalsha",
    "no-info": "on ~* &* +@all -info",
    "no-hset": "on ~* &* +@all -hset",
    "former": "off ~* &* +@all",
}


def server(*options: str, appendonly: bool = True, path: str = "0") -> Place:
    """A Redis with these options."""

    @contextmanager
    def place(folder: Path) -> Iterator[str]:
        redis = Redis(folder, port=free_port(), appendonly=appendonly)
        redis.command += options
        redis.start()
        try:
            redis.wait_ready()
            yield f"redis://127.0.0.1:{redis.port}/{path}"
        finally:
            redis.stop()

    return place


def user(name: str, password: str = SECRET) -> Place:
    """A Redis that knows `USERS`, and is asked as one of them."""

    @contextmanager
    def place(folder: Path) -> Iterator[str]:
        with server()(folder) as url:
            with Client.from_url(url) as client:
                for each, rules in USERS.items():
                    client.execute_command("ACL", "SETUSER", each, f">{SECRET}", *rules.split())
                client.config_set("requirepass", SECRET)
            yield url.replace("//", f"//{name}:{password}@" if name else "//")

    return place


def full() -> Place:
    """A Redis that has as many clients as it takes."""

    @contextmanager
    def place(folder: Path) -> Iterator[str]:
        with server()(folder) as url, Client.from_url(url) as client:
            client.config_set("maxclients", 1)
            yield url

    return place


def tls(scheme: str, *, trusted: bool = True) -> Place:
    """A Redis behind TLS."""

    @contextmanager
    def place(folder: Path) -> Iterator[str]:
        own, other = Authority(folder), Authority(folder, "other")
        redis = Redis(folder, port=free_port(), appendonly=True)
        relay = Relay(folder, own, target=redis.port)
        try:
            for process in (redis, relay):
                process.start()
                process.wait_ready()
            yield f"{scheme}://127.0.0.1:{relay.port}/0?ssl_ca_certs={(own if trusted else other).ca_file}"
        finally:
            relay.stop()
            redis.stop()

    return place


def plain_before(place: Place) -> Place:
    """A place that is asked over TLS, and has none."""

    @contextmanager
    def secured(folder: Path) -> Iterator[str]:
        with place(folder) as url:
            yield url.replace("redis://", "rediss://")

    return secured


def stranger(answer: bytes, *, secure: bool = False) -> Place:
    """Something else that listens there."""

    @contextmanager
    def place(folder: Path) -> Iterator[str]:
        with Answering(answer, Authority(folder).certificate if secure else None) as other:
            yield f"redis://127.0.0.1:{other.port}/0"

    return place


def nowhere(host: str = "127.0.0.1") -> Place:
    @contextmanager
    def place(_: Path) -> Iterator[str]:
        yield f"redis://{host}:{free_port()}/0"

    return place
