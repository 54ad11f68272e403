"""Parses CELERY_BROKER_URL for the ledger, Celery and Flower. The URL has one of these forms:

redis://[user:password@]host[:port][/database]
rediss://...                               the same over TLS
sentinel://[user:password@]host:port,host:port.../database?master_name=name
sentinels://...                            TLS to Redis and to its sentinels

Options after the `?`: `ssl_ca_certs` (the file of a CA that this machine does not trust), `sentinel_password`.
"""

import re
import ssl
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

SCHEMES = ("redis", "rediss", "sentinel", "sentinels")
TLS_SCHEMES = ("rediss", "sentinels")
VERIFIED = ("required", "CERT_REQUIRED")  # the two values of ssl_cert_reqs that Celery accepts for a verified peer
MAX_DATABASE = 2**31 - 1  # the largest number that SELECT accepts
Address = tuple[str, int]  # host and port


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """The address of Redis. `nodes` is Redis itself, or the sentinels that name the master called `master`."""

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
        """Returns the broker that a URL names.

        Raises:
            ValueError: the URL is invalid. The message continues "CELERY_BROKER_URL", and contains no secret.
        """
        parts = _split(url)
        sentinel, tls = parts.scheme.startswith("sentinel"), parts.scheme in TLS_SCHEMES
        options = _options(parts.query, sentinel=sentinel, tls=tls)
        user, _, hosts = parts.netloc.rpartition("@")
        username, _, password = user.partition(":")
        nodes = tuple(_address(host, None if sentinel else 6379) for host in hosts.split(","))
        if len(nodes) > 1 and not sentinel:
            raise ValueError(
                "names several hosts: redis:// accepts one; sentinel:// accepts the sentinels of one master"
            )
        if sentinel and "master_name" not in options:
            raise ValueError("names no master: append ?master_name= and the name that the sentinels use")
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
        """The URL for Celery, kombu and Flower: with the password, without options."""
        scheme = "sentinel" if self.master else "rediss" if self.tls else "redis"
        user, password = (quote(part or "", safe="") for part in (self.username, self.password))
        login = f"{user}:{password}@" if user or password else ""
        hosts = (f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.nodes)
        return ";".join(f"{scheme}://{login}{host}/{self.database}" for host in hosts)

    def same_database(self, other: Self) -> bool:
        """Returns whether both name the same database of the same Redis, possibly with different logins."""
        return ({*self.nodes}, self.master, self.database) == ({*other.nodes}, other.master, other.database)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:  # its text can quote a part of the password
        raise ValueError("is not a URL: percent-encode special characters in the password") from None
    if parts.scheme not in SCHEMES:
        raise ValueError("has to start with redis://, rediss://, sentinel:// or sentinels://: the ledger needs Redis")
    if ";" in parts.path or ";" in parts.netloc:
        raise ValueError(
            "contains a ';': name all sentinels in one URL, sentinel://host:port,host:port/0?master_name=name"
        )
    return parts


def _options(query: str, *, sentinel: bool, tls: bool) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    if tls and options.pop("ssl_cert_reqs", "required") not in VERIFIED:
        raise ValueError("turns off certificate verification: remove ssl_cert_reqs")
    known = [*(["master_name", "sentinel_password"] if sentinel else []), *(["ssl_ca_certs"] if tls else [])]
    if options.keys() - {*known}:
        raise ValueError(f"has an unknown option: a URL of this scheme accepts {' and '.join(known) or 'none'}")
    if "" in options.values():
        raise ValueError("has an option without a value")
    if file := options.get("ssl_ca_certs"):
        _check_ca_file(file)
    return options


def _check_ca_file(file: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except OSError:  # SSLError included
        raise ValueError("has an ssl_ca_certs file that does not exist or contains no certificate") from None


def _address(host: str, default: int | None) -> Address:
    try:
        parts = urlsplit(f"//{host}")
        name, port = parts.hostname, parts.port or default
    except ValueError:  # its text can quote a part of the password
        raise ValueError("has no valid port: percent-encode special characters in the password") from None
    if not name:
        raise ValueError("names no host")
    try:
        name.encode("idna")  # every connection encodes the name like this
    except UnicodeError:
        raise ValueError("names a host with an empty or too long label between its dots") from None
    if port is None:
        raise ValueError("names a sentinel without its port: the usual one is 26379")
    return name, port


def _database(path: str) -> int:
    number = path.strip("/") or "0"
    if not re.fullmatch(r"[0-9]{1,9}", number):
        raise ValueError("does not name one database: end it with a single number, as in /0")
    if int(number) > MAX_DATABASE:
        raise ValueError("names a database number above Redis's maximum: end it with a smaller number, as in /0")
    return int(number)
