"""Probes Redis's port when an error has no clear cause: which protocol does the server speak, and over TLS?

The probe reads before it writes, because a client that writes loses the last message of a closing server.
"""

import socket
import ssl

from handoff_common.broker import Address, Broker
from handoff_ledger.outages import explain, explain_reply
from handoff_ledger.redis_errors import NOT_REDIS, SPEAKS_NO_TLS, SPEAKS_TLS, Outage

CONNECT_TIMEOUT_SECONDS = 1.0
TLS_RECORDS = (b"\x15", b"\x16")  # an alert, a handshake
GREETING_SECONDS = 0.3  # a server that speaks first does so at once


def probe_port(broker: Broker) -> Outage | None:
    """Returns the cause that the port reveals, None without one. Does not probe sentinels."""
    if broker.master:
        return None
    said = _said(broker.nodes[0])
    if broker.tls:
        return SPEAKS_NO_TLS.about() if said[:1] in (b"+", b"-") else _refused_by_tls(broker.nodes[0])
    if said.startswith(b"-"):
        outage = explain_reply(said[1:].decode(errors="replace"))
        return outage if outage.known else None
    if said and not said.startswith(b"+"):
        return SPEAKS_TLS.about() if said[:1] in TLS_RECORDS else NOT_REDIS.about()
    return SPEAKS_TLS.about() if not said and _speaks_tls(broker.nodes[0]) else None


def _said(address: Address) -> bytes:
    """Returns the server's first bytes, unprompted or after a PING; empty when the server closes."""
    try:
        with socket.create_connection(address, timeout=CONNECT_TIMEOUT_SECONDS) as connection:
            connection.settimeout(GREETING_SECONDS)
            try:
                return connection.recv(512)
            except TimeoutError:
                connection.sendall(b"PING\r\n")
                return connection.recv(512)
    except OSError:
        return b""


def _speaks_tls(address: Address) -> bool:
    try:
        with _wrapped(address):
            return True
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")
    except OSError:
        return False


def _refused_by_tls(address: Address) -> Outage | None:
    """Why a server that speaks TLS ends the connection, None when it gives no reason."""
    try:
        with _wrapped(address) as connection:
            connection.settimeout(GREETING_SECONDS)
            connection.recv(1)
    except ssl.SSLError as error:
        return explain(error)
    except OSError:
        return None
    return None


def _wrapped(address: Address) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the probe sends no secret
    plain = socket.create_connection(address, timeout=CONNECT_TIMEOUT_SECONDS)
    try:
        return context.wrap_socket(plain)
    except OSError:
        plain.close()
        raise
