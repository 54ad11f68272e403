"""Stores the applied bundles in the cluster, so that any operator's machine can restore one.

Each record is a Secret `handoff-bundle-<number>`, because a bundle may contain Secrets.
"""

import base64
import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from deploy.errors import Failed
from deploy.kubectl import Kubectl
from deploy.objects import Key, Obj, key

LABEL = "handoff.dev/record"
PREFIX = "handoff-bundle-"
KEPT_BUNDLES = 5
MAX_BUNDLE_BYTES = 1_000_000  # a Secret may have 1 MiB
STARTED, PROVEN, UNDONE = "started", "proven", "undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The objects that one deploy applies."""

    revision: str
    overlay: str
    contracts: list[str]
    objects: list[Obj]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    number: int
    state: str  # STARTED: partly in the cluster; PROVEN: its smoke test succeeded; UNDONE: removed again
    when: str  # ISO 8601
    who: str
    bundle: Bundle


class Records:
    def __init__(self, kubectl: Kubectl) -> None:
        self._kubectl = kubectl

    def all(self) -> list[Record]:
        """Return every record, newest first."""
        found = self._kubectl.list("secrets", selector=f"{LABEL}=bundle")
        return sorted(map(_parse, found), key=lambda record: record.number, reverse=True)

    def start(self, bundle: Bundle, who: str, number: int) -> Record:
        """Record a bundle before its first object is applied, so that an interrupted deploy still owns its objects.

        Raises:
            Failed: the bundle is too large.
        """
        when = datetime.now(UTC).isoformat(timespec="seconds")
        record = Record(number=number, state=STARTED, when=when, who=who, bundle=bundle)
        self._kubectl.create(_render(record))
        return record

    def mark(self, record: Record, state: str) -> None:
        """Set the state of a record. PROVEN also deletes all but the newest KEPT_BUNDLES."""
        change = json.dumps({"metadata": {"annotations": {"handoff.dev/state": state}}})
        self._kubectl.do("patch", "secret", f"{PREFIX}{record.number}", "--type=merge", f"--patch={change}")
        if state == PROVEN:
            self._forget(self.all())

    def _forget(self, records: Sequence[Record]) -> None:
        kept = [record for record in records if record.state == PROVEN][:KEPT_BUNDLES]
        stale = [record.number for record in records if record not in kept]
        if stale:
            names = [f"secret/{PREFIX}{number}" for number in stale]
            self._kubectl.do("delete", *names, "--ignore-not-found")


def running(records: Sequence[Record]) -> Record | None:
    """Return the bundle that was proven last."""
    return next((record for record in records if record.state == PROVEN), None)


def owned(records: Iterable[Record]) -> dict[Key, Obj]:
    """Return the objects that may be in the cluster: of the running bundle, and of every bundle started after it."""
    found: dict[Key, Obj] = {}
    for record in records:
        if record.state != UNDONE:
            found = {key(obj): obj for obj in record.bundle.objects} | found
        if record.state == PROVEN:
            break
    return found


def _render(record: Record) -> Obj:
    packed = gzip.compress(json.dumps(asdict(record.bundle), sort_keys=True).encode(), mtime=0)
    if len(packed) > MAX_BUNDLE_BYTES:
        raise Failed(
            f"The bundle takes {len(packed):,} bytes packed: this is too large to record, so nothing was applied."
        )
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "handoff.dev/bundle",
        "metadata": {
            "name": f"{PREFIX}{record.number}",
            "labels": {"app.kubernetes.io/part-of": "handoff", LABEL: "bundle"},
            "annotations": {
                "handoff.dev/state": record.state,
                "handoff.dev/when": record.when,
                "handoff.dev/who": record.who,
                "handoff.dev/revision": record.bundle.revision,
            },
        },
        "data": {"bundle": base64.b64encode(packed).decode()},
    }


def _parse(secret: Obj) -> Record:
    notes = secret["metadata"]["annotations"]
    return Record(
        number=int(secret["metadata"]["name"].removeprefix(PREFIX)),
        state=notes["handoff.dev/state"],
        when=notes["handoff.dev/when"],
        who=notes["handoff.dev/who"],
        bundle=Bundle(**json.loads(gzip.decompress(base64.b64decode(secret["data"]["bundle"])))),
    )
