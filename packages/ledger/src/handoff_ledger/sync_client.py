"""`SyncLedger` runs the ledger's calls and blocks the calling thread."""

import time
from typing import Any, TypeVar

from redis import Redis
from redis.exceptions import NoScriptError

from handoff_common.connections import sync_client
from handoff_ledger.calls import Call
from handoff_ledger.errors import LedgerUnavailable
from handoff_ledger.outages import TRANSIENT, demoted, unavailable
from handoff_ledger.scripts import load

T = TypeVar("T")


class SyncLedger:
    """The ledger for code that may block. Each process makes its own, because connections do not survive a fork."""

    def __init__(self, url: str) -> None:
        self._redis: Redis = sync_client(url)

    def run(self, call: Call[T]) -> T:
        """Runs a call and returns its value.

        Raises:
            LedgerUnavailable: Redis did not reply in time, but may have executed the call.
        """
        script = load(call.script)
        try:
            try:
                reply = self._redis.evalsha(script.sha, 0, *call.args)
            except NoScriptError:
                reply = self._redis.eval(script.text, 0, *call.args)
        except TRANSIENT as error:
            if demoted(error):
                self._redis.connection_pool.disconnect(inuse_connections=False)
            raise unavailable(error) from error
        return call.parse(reply)

    def run_with_retry(self, call: Call[T], patience: float) -> T:
        """Repeats a call until Redis executes it, for `patience` seconds at most.

        Raises:
            LedgerUnavailable: Redis was away all the time.
        """
        deadline = time.monotonic() + patience
        while True:
            try:
                return self.run(call)
            except LedgerUnavailable:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.2)  # Redis does not announce its return

    def info(self) -> dict[str, Any]:
        """What Redis says of itself. Raises `LedgerUnavailable`."""
        try:
            return self._redis.info()
        except TRANSIENT as error:
            raise unavailable(error) from error

    def close(self) -> None:
        self._redis.close()
