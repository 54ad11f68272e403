"""The errors of Redis that mean it takes no call now, and the ledger's word for each."""

import ssl

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ConnectionError,
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TimeoutError,
)

from handoff_ledger.errors import LedgerUnavailable
from handoff_ledger.sentinels import MASTERLESS

# What may mean that Redis takes no call now; `unavailable` tells.
TRANSIENT = (ConnectionError, TimeoutError, ResponseError, OSError)

SENTENCES: dict[type[Exception], str] = {
    OutOfMemoryError: "Redis has reached its memory limit.",
    BusyLoadingError: "Redis is loading its data.",
    ReadOnlyError: "Redis is a replica now.",
    MasterDownError: "Redis is a replica now.",
    AuthenticationError: "Redis refuses the login.",
}


def demoted(error: Exception) -> bool:
    """Whether a Redis answered that is not the master, or no longer: other connections to it are of no use either."""
    return isinstance(error, (ReadOnlyError, MasterDownError)) or str(error).startswith(("NOREPLICAS", "UNBLOCKED"))


def unavailable(error: Exception) -> LedgerUnavailable:
    """The ledger's word for a transient error of the client. Any other is raised again."""
    if type(error) is ResponseError:
        return _refusal(error)
    for kind, sentence in SENTENCES.items():
        if isinstance(error, kind):
            return LedgerUnavailable(sentence)
    if certificate := _distrusted(error):
        return LedgerUnavailable(f"A certificate of Redis is refused: {certificate}.")
    if isinstance(error, MASTERLESS):
        login = isinstance(error.__cause__, AuthenticationError)
        return LedgerUnavailable("The sentinels refuse the login." if login else "No sentinel names a master.")
    return LedgerUnavailable("Redis did not answer in time.")


def _distrusted(error: BaseException | None) -> str | None:
    for _ in range(8):  # causes may go round in a circle
        if error is None:
            break
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message.partition(",")[0]  # what follows the comma names a host
        error = error.__cause__ or error.__context__
    return None


def _refusal(error: ResponseError) -> LedgerUnavailable:
    # redis-py has no class for these: a disk that is full, too few replicas, a script that runs too long.
    if str(error).startswith(("MISCONF", "NOREPLICAS", "BUSY")):
        return LedgerUnavailable("Redis takes no writes now.")
    raise error
