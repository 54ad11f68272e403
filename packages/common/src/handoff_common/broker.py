"""CELERY_BROKER_URL, understood once for all who connect: the ledger's clients, Celery's and Flower's.

redis://[user:password@]host[:port][/database]
rediss://...                               the same over TLS
sentinel://[user:password@]host:port,host:port.../database?master_name=name
sentinels://...                            TLS to Redis and to its sentinels

Options behind the `?`: `ssl_ca_certs` (a file, for a CA that this machine does not trust), `sentinel_password`.
"""

import re
import ssl
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

SCHEMES = ("redis", "rediss", "sentinel", "sentinels")
TLS = ("rediss", "sentinels")
REQUIRED = ("required", "CERT_REQUIRED")  # the two spellings that Celery knows
LAST_DATABASE = 2**31 - 1  # the largest number that SELECT takes
Address = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where Redis is. `nodes`: Redis itself, or the sentinels that know where `master` is."""

    nodes: tuple[Address, ...]
    database: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    master: str | None = None
    sentinel_password: str | None = field(default=None, repr=False)
    tls: bool = False
    ca_file: str | None = None

    @classmethod
    def parse(cls, url: str) -> Self:
        """Raises ValueError with a sentence on what is wrong, and never with a part of the URL that may be secret."""
        parts = _split(url)
        sentinel, tls = parts.scheme.startswith("sentinel"), parts.scheme in TLS
        options = _options(parts.query, sentinel=sentinel, tls=tls)
        user, _, hosts = parts.netloc.rpartition("@")
        username, _, password = user.partition(":")
        nodes = tuple(_address(host, None if sentinel else 6379) for host in hosts.split(","))
        if len(nodes) > 1 and not sentinel:
            raise ValueError("names several hosts: redis:// takes one; sentinel:// takes the sentinels of one master")
        if sentinel and "master_name" not in options:
            raise ValueError("names no master: end it with ?master_name= and the name that the sentinels know it by")
        return cls(
            nodes=nodes,
            database=_database(parts.path),
            username=unquote(username) or None,
            password=unquote(password) or None,
            master=options.get("master_name"),
            sentinel_password=options.get("sentinel_password"),
            tls=tls,
            ca_file=options.get("ssl_ca_certs"),
        )

    @property
    def celery_url(self) -> str:
        """As Celery, kombu and Flower take it, without options; it holds the password."""
        scheme = "sentinel" if self.master else "rediss" if self.tls else "redis"
        user, password = (quote(part or "", safe="") for part in (self.username, self.password))
        login = f"{user}:{password}@" if user or password else ""
        hosts = (f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.nodes)
        return ";".join(f"{scheme}://{login}{host}/{self.database}" for host in hosts)

    def same_place(self, other: Self) -> bool:
        """Whether both name one database of one Redis, whoever logs in there."""
        mine, its = ({*broker.nodes} for broker in (self, other))
        return (mine, self.master, self.database) == (its, other.master, other.database)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:  # its text quotes what may be a part of the password
        raise ValueError("is no URL: %-encode the special characters of a password") from None
    if parts.scheme not in SCHEMES:
        raise ValueError("has to begin with redis://, rediss://, sentinel:// or sentinels://: the ledger lives there")
    if ";" in parts.path or ";" in parts.netloc:
        raise ValueError("has a ';': name all sentinels in one URL, sentinel://host:port,host:port/0?master_name=name")
    return parts


def _options(query: str, *, sentinel: bool, tls: bool) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    if tls and options.pop("ssl_cert_reqs", "required") not in REQUIRED:
        raise ValueError("asks for TLS without a check of the certificate: leave ssl_cert_reqs out")
    known = [*(["master_name", "sentinel_password"] if sentinel else []), *(["ssl_ca_certs"] if tls else [])]
    if options.keys() - {*known}:
        raise ValueError(f"has an option that is not known: this one takes {' and '.join(known) or 'none'}")
    if "" in options.values():
        raise ValueError("has an option without a value")
    if file := options.get("ssl_ca_certs"):
        _readable(file)
    return options


def _readable(file: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except OSError:  # an SSLError is one
        raise ValueError("names with ssl_ca_certs a file that is not there, or holds no certificate") from None


def _address(host: str, default: int | None) -> Address:
    try:
        parts = urlsplit(f"//{host}")
        name, port = parts.hostname, parts.port or default
    except ValueError:  # its text quotes what may be a part of the password
        raise ValueError("has no valid port: %-encode the special characters of a password") from None
    if not name:
        raise ValueError("names no host")
    try:
        name.encode("idna")  # as every connection does
    except UnicodeError:
        raise ValueError("names a host with an empty or a too long part between its dots") from None
    if port is None:
        raise ValueError("gives a sentinel no port: 26379 is the usual one")
    return name, port


def _database(path: str) -> int:
    number = path.strip("/") or "0"
    if not re.fullmatch(r"[0-9]{1,9}", number):
        raise ValueError("names no database, or several: end it with a single number, as in /0")
    if int(number) > LAST_DATABASE:
        raise ValueError("names a database that no Redis has: end it with a smaller number, as in /0")
    return int(number)
