"""Runs `kubectl`, always with an explicit context and namespace. Nothing else reaches the cluster."""

import json
import time
from collections.abc import Iterable
from typing import Any

from deploy.errors import Failed
from deploy.objects import Obj
from deploy.shell import CommandResult, Run, run

MANAGER = "handoff"  # the field manager: a deploy owns the fields that it sets
OUTAGE_SECONDS = 30.0  # a shorter outage of the API server, as in an upgrade of the cluster, fails no deploy
RETRY_SECONDS = 1.0
OUTAGE_SIGNS = (
    "The connection to the server",
    "Unable to connect to the server",
    "client connection lost",
    "etcdserver:",
    "gave no answer",
)


class KubectlError(Failed):
    """kubectl failed; the message is from kubectl."""


class Kubectl:
    def __init__(self, context: str, namespace: str, *, runner: Run = run) -> None:
        self.context = context
        self.namespace = namespace
        self._run = runner

    def ask(self, *arguments: str, input: str | None = None, timeout: float = 60.0) -> CommandResult:
        """Run kubectl and return its result."""
        command = ["kubectl", f"--context={self.context}", f"--namespace={self.namespace}", *arguments]
        return self._run(command, input=input, timeout=timeout, env={"KUBECTL_EXTERNAL_DIFF": "diff -u -N"})

    def do(self, *arguments: str, input: str | None = None, timeout: float = 60.0) -> str:
        """Run kubectl and return its standard output.

        Raises:
            KubectlError: kubectl failed.
        """
        ran = self.ask(*arguments, input=input, timeout=timeout)
        if ran.code:
            raise KubectlError(f"kubectl {arguments[0]}: {ran.reason}.")
        return ran.out

    def do_with_retry(self, *arguments: str, input: str | None = None, timeout: float = 60.0) -> str:
        """Like `do`, for idempotent commands: retry while the API server is away, up to OUTAGE_SECONDS."""
        deadline = time.monotonic() + OUTAGE_SECONDS
        while True:
            try:
                return self.do(*arguments, input=input, timeout=timeout)
            except KubectlError as error:
                if time.monotonic() > deadline or not any(sign in str(error) for sign in OUTAGE_SIGNS):
                    raise
            time.sleep(RETRY_SECONDS)

    def get(self, kind: str, name: str) -> Obj | None:
        """Return the object, or None when it does not exist."""
        out = self.do_with_retry("get", kind, name, "--ignore-not-found", "--output=json")
        return dict(json.loads(out)) if out.strip() else None

    def list(self, *kinds: str, selector: str = "") -> list[Obj]:
        narrowed = [f"--selector={selector}"] if selector else []
        return list(json.loads(self.do_with_retry("get", ",".join(kinds), *narrowed, "--output=json"))["items"])

    def create(self, obj: Obj) -> None:
        self.do("create", "--filename=-", input=json.dumps(obj))

    def replace(self, obj: Obj) -> None:
        """Replace an object. Raises KubectlError when its resourceVersion is outdated."""
        self.do("replace", "--filename=-", input=json.dumps(obj), timeout=20)

    def apply(self, objects: Iterable[Obj]) -> None:
        """Apply server-side. A bundle takes over every field that it sets; the diff has shown these changes."""
        arguments = ["--server-side", "--force-conflicts", f"--field-manager={MANAGER}", "--filename=-"]
        self.do_with_retry("apply", *arguments, input=as_list(objects), timeout=180)

    def delete(self, objects: Iterable[Obj], *options: str, timeout: float = 180.0) -> None:
        """Delete objects and wait until they are gone. Missing objects are no error."""
        arguments = ["--ignore-not-found", "--filename=-", *options]
        self.do_with_retry("delete", *arguments, input=as_list(objects), timeout=timeout)


def as_list(objects: Iterable[Obj]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})


def documents(text: str) -> list[Any]:
    """Return the JSON documents of a text that contains one after the other."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        document, at = decoder.raw_decode(text, at)
        found.append(document)
    return found
