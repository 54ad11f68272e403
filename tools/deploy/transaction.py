"""Applies a bundle, and restores the previous bundle when that fails."""

import sys
from collections.abc import Sequence
from typing import NoReturn

from deploy.errors import Failed, SmokeFailed
from deploy.lock import operator_name
from deploy.objects import key
from deploy.records import PROVEN, STARTED, UNDONE, Bundle, Record, Records, owned, running
from deploy.release import Release
from deploy.steps import print_step
from deploy.target import nothing_changed


def apply_or_restore(release: Release, records: Records, bundle: Bundle, past: Sequence[Record]) -> Record:
    """Apply a bundle and return its record. `past` are the older records, newest first.

    Raises:
        Failed: the bundle failed; the message says what the cluster runs now.
        KeyboardInterrupt: the deploy was interrupted; the message says what the cluster runs now.
    """
    current = running(past)
    again = current is not None and past[0] is current and current.bundle == bundle
    number = past[0].number + 1 if past else 1
    with nothing_changed():
        record = current if current and again else records.start(bundle, operator_name(), number)
    before = current.bundle.contracts if current else []
    have = owned(past) | {key(obj): obj for obj in bundle.objects}
    try:
        release.apply(bundle, before=before, owned=have)
        if record is not current:
            records.mark(record, PROVEN)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"Interrupted: parts of bundle {record.number} ({bundle.revision}) are applied. `make deploy` continues,"
            " `make rollback` restores the last proven bundle."
        ) from None
    except Failed as error:
        print(f"Bundle {record.number} ({bundle.revision}) failed: {error}", file=sys.stderr, flush=True)
        if current is None:
            raise Failed(
                "There is no older bundle to restore, so the applied objects stay. Fix the cause and deploy again, or"
                " run `make undeploy`."
            ) from None
        if again:
            raise Failed("The same bundle ran before, so there is nothing else to restore.") from None
        _restore(release, records, record, [record, *past], current)
    return record


def _restore(release: Release, records: Records, failed: Record, past: Sequence[Record], current: Record) -> NoReturn:
    """Apply the previous bundle completely, and remove the objects that only the failed bundle has."""
    name, sentence = f"bundle {current.number} ({current.bundle.revision})", ""
    print_step(f"Restoring {name}")
    try:
        release.apply(current.bundle, before=failed.bundle.contracts, owned=owned(past))
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"Interrupted: parts of {name} are restored; `make rollback` restores the rest."
        ) from None
    except SmokeFailed as error:
        sentence = f"Now {name} runs again, but its smoke test also fails: {error}"
    except Failed as error:
        raise Failed(f"Restoring {name} failed: {error} Its ready pods serve; `make rollback` tries again.") from None
    for record in past:
        if record.state == STARTED:
            records.mark(record, UNDONE)
    raise Failed(sentence or f"Now {name} runs again and passed its smoke test.")
