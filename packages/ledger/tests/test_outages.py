"""Each error of Redis, its client and the network has a sentence of its own, and quotes nothing of what was sent."""

import errno
import socket
import ssl

import pytest
from redis import exceptions

from handoff_common.sentinels import MASTER_NOT_FOUND, UnknownMaster
from handoff_ledger import LedgerMisconfigured
from handoff_ledger.outages import explain, explain_reply, unavailable
from handoff_ledger.redis_errors import REPLIES

SECRET = "planted"
WAITS = [
    ("LOADING Redis is loading the dataset in memory", "is loading its data"),
    ("READONLY You can't write against a read only replica.", "is a replica now"),
    ("READONLY You can not run script with write flag on readonly replica.", "is a replica now"),
    (
        "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
        "is a replica now",
    ),
    ("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", "has lost its master"),
    ("OOM command not allowed when used memory > 'maxmemory'.", "memory limit"),
    ("OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'", "memory limit"),
    ("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", "its disk"),
    ("MISCONF Errors writing to the AOF file: No space left on device", "its disk"),
    ("NOREPLICAS Not enough good replicas to write.", "too few replicas"),
    ("BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", "runs too long"),
    ("ERR max number of clients reached", "raise its maxclients"),
    ("ERR max number of clients + cluster connections reached", "raise its maxclients"),
]
LASTS = [
    ("NOAUTH Authentication required.", "asks for a password"),
    ("NOAUTH HELLO must be called with the client already authenticated, otherwise ...", "asks for a password"),
    ("WRONGPASS invalid username-password pair or user is disabled.", "refuses the login"),
    ("ERR invalid password", "refuses the login"),
    ("ERR AUTH <password> called without any password configured for the default user.", "has no password"),
    ("ERR Client sent AUTH, but no password is set", "has no password"),
    (f"NOPERM User {SECRET} has no permissions to run the 'evalsha' command", "run EVALSHA: grant it +evalsha"),
    ("NOPERM this user has no permissions to run the 'eval' command or its subcommand", "run EVAL"),
    (f"NOPERM User {SECRET} has no permissions to run the 'script|load' command", "run SCRIPT LOAD"),
    ("ERR ACL failure in script: User x has no permissions to run the 'hgetall' command script: ...", "run HGETALL"),
    ("ERR The user executing the script can't run this command or subcommand script: ...", "run a command"),
    ("NOPERM No permissions to access a key", "access a key"),
    ("NOPERM this user has no permissions to access one of the keys used as arguments", "access a key"),
    (
        "ERR The user executing the script can't access at least one of the keys mentioned in the command",
        "access a key",
    ),
    ("ERR ACL failure in script: No permissions to access a channel script: ...", "access a channel"),
    ("NOPERM this user has no permissions to access one of the channels used as arguments", "access a channel"),
    ("NOPERM Handoff needs the right to HSET handoff:", "run HSET on a key"),
    ("NOPERM No permissions to access database", "access the database"),
    ("ERR DB index is out of range", "no database of the number"),
    ("ERR invalid DB index", "no database of the number"),
    ("ERR SELECT is not allowed in cluster mode", "cluster mode"),
    ("CROSSSLOT Keys in request don't hash to the same slot", "cluster mode"),
    ("WRONGTYPE Operation against a key holding the wrong kind of value", "a database of its own"),
    ("MOVED 3999 127.0.0.1:6381", "cluster mode"),
    ("ASK 3999 127.0.0.1:6381", "cluster mode"),
    ("CLUSTERDOWN Hash slot not served", "cluster mode"),
    ("ERR Script attempted to access a non local key in a cluster node script: ...", "cluster mode"),
    ("ERR Script attempted to access keys that do not hash to the same slot script: ...", "cluster mode"),
    ("ERR Can not execute a command 'zrange' while the cluster is down script: ...", "cluster mode"),
    ("ERR bad lua script for redis cluster, all the keys that the script uses should be passed", "cluster mode"),
    ("ERR script tried accessing undeclared key", "undeclared keys"),
    ("ERR Error compiling script (new function): user_script:1: unexpected symbol near '#'", "too old"),
    (f"ERR unknown command 'EVALSHA', with args beginning with: '{SECRET}' ", "does not know EVALSHA"),
    (f"ERR unknown command `HELLO`, with args beginning with: `3`, `{SECRET}`", "does not know HELLO"),
    ("ERR Unknown Redis command called from script script: ...", "lacks a command"),
    ("DENIED Redis is running in protected mode because protected mode is enabled and no password is set", "protected"),
]


@pytest.mark.parametrize(
    ("reply", "words", "lasting"), [*((*row, False) for row in WAITS), *((*row, True) for row in LASTS)]
)
def test_an_error_reply_has_a_sentence(reply: str, words: str, lasting: bool) -> None:
    outage = explain_reply(reply)
    assert words in outage.sentence
    assert outage.lasting is lasting
    assert outage.known
    assert SECRET not in outage.sentence
    assert "{" not in outage.sentence


def test_every_row_is_found_by_a_reply() -> None:
    found = {explain_reply(reply).sentence for reply, _ in [*WAITS, *LASTS]} | {explain_reply("NOPERM x").sentence}
    assert len(found) >= len({outage.sentence for _, outage in REPLIES})


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


def wrapped(cause: OSError) -> Exception:
    """As redis-py raises it."""
    return caused(exceptions.ConnectionError(f"Error connecting to {SECRET}:6379."), cause)


def verification(message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, message)
    error.verify_message = message
    return error


def tls(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


def masterless(cause: BaseException | None = None) -> Exception:
    error = MASTER_NOT_FOUND[0](SECRET)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words", "lasting"),
    [
        (wrapped(OSError(errno.ECONNREFUSED, "")), "nothing listens", False),
        (wrapped(OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 1)")), "nothing listens", False),
        (wrapped(OSError(errno.ENETUNREACH, "")), "No network route", False),
        (wrapped(OSError(errno.EHOSTUNREACH, "")), "No network route", False),
        (OSError(errno.EMFILE, SECRET), "too many open files", False),
        (wrapped(OSError(errno.ECONNRESET, "")), "closed the connection", False),
        (exceptions.ConnectionError("Connection closed by server."), "closed the connection", False),
        (wrapped(ConnectionResetError()), "closed the connection", False),
        (wrapped(socket.gaierror(socket.EAI_NONAME, "")), "does not resolve: check its spelling", False),
        (wrapped(socket.gaierror(socket.EAI_AGAIN, "")), "The name server does not answer", False),
        (exceptions.TimeoutError("Timeout connecting to server"), "came about in time", False),
        (exceptions.TimeoutError("Timeout reading from socket"), "did not answer in time", False),
        (TimeoutError(), "did not answer in time", False),
        (exceptions.ConnectionError("No connection available."), "All connections of this process", False),
        (wrapped(tls("WRONG_VERSION_NUMBER")), "does not speak TLS", True),
        (wrapped(tls("TLSV13_ALERT_CERTIFICATE_REQUIRED")), "client certificate", True),
        (wrapped(tls("NO_SHARED_CIPHER")), "The TLS handshake with Redis failed: NO_SHARED_CIPHER.", False),
        (wrapped(ssl.SSLEOFError(8, "")), "closed the connection", False),
        (wrapped(verification("certificate has expired")), "refused: certificate has expired.", True),
        (wrapped(verification(f"Hostname mismatch, not valid for '{SECRET}'")), "refused: Hostname mismatch.", True),
        (exceptions.InvalidResponse('Protocol error, got "H" as reply type byte'), "does not speak Redis's", True),
        (exceptions.InvalidResponse('Protocol error, got "\\x15" as reply type byte'), "speaks TLS", True),
        (exceptions.ConnectionError(SECRET), "does not know: ConnectionError.", False),
        (wrapped(OSError(errno.EINVAL, SECRET)), "does not know: EINVAL.", False),
        (masterless(), "No sentinel names a master now.", False),
        (masterless(UnknownMaster()), "none knows the master_name", False),
        (masterless(wrapped(OSError(errno.ECONNREFUSED, ""))), "The first sentinel refuses the connection", False),
        (
            masterless(exceptions.AuthenticationError("x", status_code="WRONGPASS")),
            "first sentinel refuses the login",
            True,
        ),
        (
            masterless(wrapped(verification("expired"))),
            "The certificate of the first sentinel is refused: expired",
            True,
        ),
    ],
    ids=str,
)
def test_an_error_of_client_or_network_has_a_sentence(error: Exception, words: str, lasting: bool) -> None:
    fault = unavailable(error)
    assert words in fault.reason
    assert isinstance(fault, LedgerMisconfigured) is lasting
    assert SECRET not in fault.reason


def test_a_timeout_after_another_error_is_a_timeout() -> None:
    """The pool's connection may have been reset before."""
    error = exceptions.TimeoutError("Timeout reading from socket")
    error.__context__ = OSError(errno.ECONNRESET, "")
    assert explain(error).sentence == "Redis did not answer in time."


@pytest.mark.parametrize(
    "error", [exceptions.ResponseError(f"NOSUCH {SECRET}"), exceptions.ResponseError(SECRET, status_code="ERR")]
)
def test_a_reply_that_only_a_wrong_call_gets_is_raised(error: exceptions.ResponseError) -> None:
    with pytest.raises(exceptions.ResponseError):
        unavailable(error)
    assert not explain(error).known
    assert SECRET not in explain(error).sentence
