"""Finds the row of `redis_errors` for an error of the client, and converts it to the ledger's error."""

import builtins
import errno
import re
import socket
import ssl
from collections.abc import Iterator

from redis.exceptions import (
    ConnectionError,
    InvalidResponse,
    MasterDownError,
    ReadOnlyError,
    ResponseError,
    TimeoutError,
)

from handoff_common.sentinels import MASTER_NOT_FOUND, UnknownMaster
from handoff_ledger import redis_errors
from handoff_ledger.errors import LedgerUnavailable
from handoff_ledger.redis_errors import Outage

# Errors that the client may raise when Redis does not serve a call.
TRANSIENT = (ConnectionError, TimeoutError, InvalidResponse, ResponseError, OSError)


def demoted(error: Exception) -> bool:
    """Returns whether the server is no master any more, so that other connections to it are useless, too."""
    return isinstance(error, (ReadOnlyError, MasterDownError)) or str(error).startswith(("NOREPLICAS", "UNBLOCKED"))


def unavailable(error: Exception) -> LedgerUnavailable:
    """Returns the ledger's error for an error of the client. Re-raises an unknown reply: the call is wrong."""
    outage = explain(error)
    if isinstance(error, ResponseError) and not outage.known:
        raise error
    return outage.error()


def explain(error: BaseException) -> Outage:
    """Returns why a call failed. An error without a row appears with its class or code."""
    if not isinstance(error, MASTER_NOT_FOUND):
        return _outage(error, "Redis")
    if isinstance(error.__cause__, UnknownMaster):
        return redis_errors.UNKNOWN_MASTER
    if error.__cause__ is None:
        return redis_errors.NO_MASTER
    outage = _outage(error.__cause__, "the first sentinel")
    return outage._replace(sentence=f"No sentinel names a master. {outage.sentence}")


def explain_reply(reply: str, who: str = "Redis") -> Outage:
    """Returns the meaning of Redis's error reply, which begins with a code."""
    for pattern, outage in redis_errors.REPLIES:
        if match := re.search(pattern, reply, re.IGNORECASE):
            what = match.groupdict().get("what") or ""
            return outage.about(who, what=what.upper().replace("|", " "), rule=what.lower())
    code = re.match(r"[A-Z]+\b", reply)
    return redis_errors.unknown(code[0] if code else "an error without a code").about(who)


def _outage(error: BaseException, who: str) -> Outage:
    code = getattr(error, "status_code", None)  # redis-py removes the code from the text of an error that it knows
    if code or isinstance(error, ResponseError):
        return explain_reply(f"{code} {error}" if code else str(error), who)
    for pattern, outage in redis_errors.CLIENT:
        if re.search(pattern, str(error)):
            return outage.about(who)
    if isinstance(error, (TimeoutError, builtins.TimeoutError)):
        return redis_errors.TOO_LATE.about(who)
    found = next(filter(None, map(_system, _causes(error))), None)
    return (found or redis_errors.unknown(type(error).__name__)).about(who)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(8):  # causes may form a cycle
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _system(error: BaseException) -> Outage | None:
    if isinstance(error, ssl.SSLError):
        return _tls(error)
    if isinstance(error, socket.gaierror):
        return redis_errors.NO_NAME_SERVER if error.errno == socket.EAI_AGAIN else redis_errors.UNRESOLVED
    if not isinstance(error, OSError):
        return None
    # After several addresses, an event loop's error has the numbers only in its text.
    number = error.errno or next((int(found) for found in re.findall(r"\[Errno (\d+)\]", str(error))), 0)
    if not number and isinstance(error, builtins.ConnectionError):
        return redis_errors.CLOSED
    return redis_errors.ERRNOS.get(number) or redis_errors.unknown(errno.errorcode.get(number, type(error).__name__))


def _tls(error: ssl.SSLError) -> Outage:
    if isinstance(error, ssl.SSLCertVerificationError):
        fault = error.verify_message.partition(",")[0]  # what follows the comma names a host
        return redis_errors.BAD_CERTIFICATE.about("{who}", fault=fault)
    if isinstance(error, ssl.SSLEOFError):
        return redis_errors.CLOSED
    reason = error.reason or "no reason given"
    if reason in redis_errors.NO_TLS:
        return redis_errors.SPEAKS_NO_TLS
    if "CERTIFICATE_REQUIRED" in reason:
        return redis_errors.CLIENT_CERTIFICATE
    return Outage(f"The TLS handshake with {{who}} failed: {reason}.", known=False)
