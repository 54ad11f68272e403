"""Allows one deploy at a time in a namespace, by a Lease that is renewed and that expires after a crash."""

import getpass
import json
import os
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from deploy.errors import Failed, Refused
from deploy.kubectl import Kubectl, KubectlError
from deploy.objects import Obj

NAME = "handoff-deploy"
LEASE_SECONDS = 60
RENEW_SECONDS = 15.0


def operator_name() -> str:
    return f"{getpass.getuser()}@{socket.gethostname()}"


class Lock:
    """A context manager that holds the Lease.

    Raises:
        Refused: another deploy holds the Lease, or it cannot be acquired.
    """

    def __init__(self, kubectl: Kubectl) -> None:
        self._kubectl = kubectl
        self._holder = f"{operator_name()}, process {os.getpid()}"
        self._lost = ""
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def check(self) -> None:
        """Raise Failed when the Lease was lost, because another deploy may run now."""
        if self._lost:
            raise Failed(f"The lock was lost, so nothing more was applied: {self._lost}")

    def __enter__(self) -> Self:
        try:
            self._take()
        except KubectlError as error:
            raise Refused(f"The lock cannot be acquired: {error}") from None
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        self._thread.join()
        if not self._lost:
            self._kubectl.ask("delete", "lease", NAME, "--ignore-not-found", "--wait=false")

    def _take(self) -> None:
        present = self._kubectl.get("lease", NAME)
        if present and (sentence := _held(present)):
            raise Refused(sentence)
        try:
            self._write(present)
        except KubectlError:
            if sentence := holder_sentence(self._kubectl):  # another deploy was faster
                raise Refused(sentence) from None
            raise

    def _write(self, present: Obj | None) -> None:
        """Create the Lease, or replace the one that was read. The API server refuses an outdated one."""
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        lease: Obj = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": present["metadata"] if present else {"name": NAME},
            "spec": {"holderIdentity": self._holder, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": now},
        }
        if present is None:
            self._kubectl.create(lease)
        else:
            self._kubectl.replace(lease)

    def _keep(self) -> None:
        kept = time.monotonic()
        while not self._released.wait(RENEW_SECONDS):
            try:
                present = json.loads(self._kubectl.do("get", "lease", NAME, "--output=json", timeout=RENEW_SECONDS))
                if present["spec"]["holderIdentity"] != self._holder:
                    self._lost = "another deploy took it."
                    return
                self._write(present)
                kept = time.monotonic()
            except KubectlError as error:
                if time.monotonic() - kept > LEASE_SECONDS - RENEW_SECONDS:
                    self._lost = str(error)
                    return


def holder_sentence(kubectl: Kubectl) -> str:
    """Return a sentence that names the holder of the lock, or '' when it is free."""
    lease = kubectl.get("lease", NAME)
    return _held(lease) if lease else ""


def _held(lease: Obj) -> str:
    spec = lease["spec"]
    free = datetime.fromisoformat(spec["renewTime"]) + timedelta(seconds=spec["leaseDurationSeconds"])
    if datetime.now(UTC) > free:
        return ""
    holder = spec["holderIdentity"]
    return f"Another deploy is running: {holder}; if that process died, the lock expires at {free:%H:%M:%S} UTC."
