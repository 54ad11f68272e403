"""The bundles that were applied, kept in the cluster, so that any operator's machine can put one back.

Each is a Secret `handoff-bundle-<number>`, for a bundle may hold Secrets.
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
MAX_BUNDLE_BYTES = 1_000_000  # bytes; a Secret takes 1 MiB
STARTED, PROVEN, UNDONE = "started", "proven", "undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """All that one deploy applies."""

    revision: str
    overlay: str
    contracts: list[str]
    objects: list[Obj]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    number: int
    state: str  # STARTED: some of it may be in the cluster; PROVEN: its smoke test succeeded; UNDONE: nothing is left
    when: str  # ISO 8601
    who: str
    bundle: Bundle


class Records:
    def __init__(self, kubectl: Kubectl) -> None:
        self._kubectl = kubectl

    def all(self) -> list[Record]:
        """Newest first."""
        found = self._kubectl.list("secrets", selector=f"{LABEL}=bundle")
        return sorted(map(_parse, found), key=lambda record: record.number, reverse=True)

    def start(self, bundle: Bundle, who: str, number: int) -> Record:
        """Records a bundle before its first object is applied, so that whatever happens, it is known what it owns.

        Raises:
            Failed: it is too large.
        """
        when = datetime.now(UTC).isoformat(timespec="seconds")
        record = Record(number=number, state=STARTED, when=when, who=who, bundle=bundle)
        self._kubectl.create(_render(record))
        return record

    def mark(self, record: Record, state: str) -> None:
        """Writes down how it went; with PROVEN also forgets all but the last ones."""
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
    """The bundle that was proven last."""
    return next((record for record in records if record.state == PROVEN), None)


def owned(records: Iterable[Record]) -> dict[Key, Obj]:
    """The objects that may be in the cluster: of the running bundle, and of those that were started after it."""
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
        raise Failed(f"The bundle takes {len(packed):,} bytes packed: it can't be recorded, so it is not applied.")
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
