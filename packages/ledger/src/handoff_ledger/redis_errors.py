"""The table of errors of Redis, its client and the network, with a sentence for each that says what to do.

A sentence quotes only a command's name, an error's code or a certificate's fault, because the rest of an error may
contain a payload or a password. `outages.py` finds the row for an error.
"""

import errno
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from handoff_ledger.errors import LedgerMisconfigured, LedgerUnavailable


class Outage(NamedTuple):
    """Why a call failed.

    `lasting`: waiting does not cure it. `unclear`: probing the port may find the cause. `known`: the table has a row.
    """

    sentence: str
    lasting: bool = False
    unclear: bool = False
    known: bool = True

    def about(self, who: str = "Redis", **details: str) -> "Outage":
        """Fills in the sentence: `who` failed, and `details` from the reply."""
        sentence = self.sentence.format(who=who, **details)
        return self._replace(sentence=sentence[0].upper() + sentence[1:])

    def error(self) -> LedgerUnavailable:
        return (LedgerMisconfigured if self.lasting else LedgerUnavailable)(self.sentence)


def lasting(sentence: str) -> Outage:
    return Outage(sentence, lasting=True)


URL = "CELERY_BROKER_URL"
DENIES = f"{{who}} does not let the user of {URL}"
CLUSTER = lasting(f"{{who}} runs in cluster mode, which Handoff does not support: name one without it in {URL}.")
SPEAKS_TLS = lasting(f"{{who}} speaks TLS at this port: begin {URL} with rediss:// or sentinels://.")
SPEAKS_NO_TLS = lasting(f"{{who}} does not speak TLS at this port: name its TLS port, or begin {URL} with redis://.")
CLIENT_CERTIFICATE = lasting(
    "{who} asks for a client certificate, which Handoff does not send: set its tls-auth-clients to no."
)
BAD_CERTIFICATE = lasting("The certificate of {who} is refused: {fault}. Check its host, its dates and ssl_ca_certs.")
NOT_REDIS = lasting(f"What answers at the host and port in {URL} does not speak Redis's protocol: check both.")
TOO_OLD = lasting("{who} is too old for the ledger's scripts: run Redis 7.2 or newer, or Valkey.")
LOADING = Outage("{who} is loading its data: wait.")
REPLICA = Outage("{who} is a replica now: it takes no writes until it is a master.")
CLOSED = Outage("{who} closed the connection without saying why: look at its log.", unclear=True)
TOO_LATE = Outage("{who} did not answer in time.")
UNRESOLVED = Outage(f"The host name of {{who}} in {URL} does not resolve: check its spelling and the name server.")
NO_NAME_SERVER = Outage(f"The name server does not answer, so the host name of {{who}} in {URL} does not resolve.")
NO_ROUTE = Outage(f"No network route leads to {{who}}: check the host in {URL}, and the network.")
TOO_MANY_FILES = Outage("This process has too many open files to connect to {who}: raise its limit.")
NO_MASTER = Outage("No sentinel names a master now.")
UNKNOWN_MASTER = Outage(f"No sentinel names a master: none knows the master_name in {URL}.")

# Redis's error replies, each a code and a text. The first matching row counts.
REPLIES: Sequence[tuple[str, Outage]] = [
    (r"^DENIED", lasting("{who} runs in protected mode: give it a password or users, so that it lets others in.")),
    (r"^NOAUTH", lasting(f"{{who}} asks for a password: put it into {URL}.")),
    (
        r"^ERR .*(without any password configured|no password is set)",
        lasting(f"{{who}} has no password, but {URL} gives one: take it out, or set it in Redis."),
    ),
    (
        r"^WRONGPASS|^ERR invalid password",
        lasting(f"{{who}} refuses the login: the user or the password in {URL} is wrong, or the user is disabled."),
    ),
    (
        r"permissions? to run the '(?P<what>[\w|-]+)' command",
        lasting(f"{DENIES} run {{what}}: grant it +{{rule}} with ACL SETUSER."),
    ),
    (r"can't run this command", lasting(f"{DENIES} run a command that the ledger needs.")),
    (
        r"access (a key|at least one of the keys)|one of the keys used",
        lasting(f"{DENIES} access a key that the ledger needs."),
    ),
    (
        r"access a channel|(publish to|of) the channel|one of the channels used",
        lasting(f"{DENIES} access a channel that the ledger needs."),
    ),
    (
        r"^NOPERM .*needs the right to (?P<what>\w+)",  # an error of the ledger's scripts
        lasting(f"{DENIES} run {{what}} on a key that the ledger needs."),
    ),
    (r"^NOPERM .*database", lasting(f"{DENIES} access the database that it names.")),
    (r"^NOPERM", lasting(f"{DENIES} do something that the ledger needs.")),
    (
        r"max number of clients",
        Outage("{who} has as many clients as it takes: raise its maxclients, or run fewer processes."),
    ),
    (
        r"^ERR (DB index is out of range|invalid DB index)",
        lasting(f"{{who}} has no database of the number that {URL} ends with: use a smaller one, as in /0."),
    ),
    (r"^(CROSSSLOT|MOVED|ASK|CLUSTERDOWN|TRYAGAIN)\b", CLUSTER),
    (r"in cluster mode|cluster node|same slot|cluster is down|lua script for redis cluster", CLUSTER),
    (r"undeclared key", lasting("{who} forbids scripts on undeclared keys: Handoff needs a server that allows them.")),
    (r"unexpected symbol near '#'", TOO_OLD),
    (
        r"unknown (redis )?command called from",
        lasting("{who} lacks a command of the ledger's scripts: run Redis 7.2 or newer, or Valkey, with all commands."),
    ),
    (
        r"unknown command [`'\"]?(?P<what>[\w|-]+)",
        lasting("{who} does not know {what}: Handoff needs Redis 7.2 or newer, or Valkey, with all its commands."),
    ),
    (r"^LOADING", LOADING),
    (r"^(READONLY|UNBLOCKED)", REPLICA),
    (r"^MASTERDOWN", Outage("{who} is a replica now, and has lost its master.")),
    (r"^OOM", Outage("{who} has reached its memory limit: raise maxmemory, or add workers.")),
    (r"^MISCONF", Outage("{who} can't write to its disk, so it takes no writes now: look at its log and its disk.")),
    (
        r"^WRONGTYPE",
        lasting("{who} has another program's value under a name of Handoff's: give Handoff a database of its own."),
    ),
    (r"^NOREPLICAS", Outage("{who} has too few replicas in step, so it takes no writes now.")),
    (r"^BUSY ", Outage("{who} is busy with a script that runs too long, so it takes no calls now.")),
]

# Errors of redis-py, by their text.
CLIENT: Sequence[tuple[str, Outage]] = [
    (r'got "\\x1[456]"', SPEAKS_TLS),  # the first byte of a TLS record
    (r"^Protocol [Ee]rror", NOT_REDIS),
    (r"^No connection available", Outage("All connections of this process to {who} are in use.")),
    (
        r"^Timeout connecting",
        Outage("No connection to {who} came about in time: check the host and port, and the firewall.", unclear=True),
    ),
    (r"^Connection closed", CLOSED),
]

# Errors of the operating system.
ERRNOS: Mapping[int, Outage] = {
    errno.ECONNREFUSED: Outage(f"{{who}} refuses the connection: nothing listens at the host and port in {URL}."),
    errno.ENETUNREACH: NO_ROUTE,
    errno.EHOSTUNREACH: NO_ROUTE,
    errno.EMFILE: TOO_MANY_FILES,
    errno.ENFILE: TOO_MANY_FILES,
    errno.ECONNRESET: CLOSED,
    errno.ECONNABORTED: CLOSED,
    errno.EPIPE: CLOSED,
}

# OpenSSL's reasons when the peer does not speak TLS.
NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST", "UNKNOWN_PROTOCOL")


def unknown(name: str) -> Outage:
    """Returns the sentence for an error without a row. It names the error's class or code, and no cause."""
    return Outage(f"{{who}} could not serve a call, for a reason that Handoff does not know: {name}.", known=False)
