"""Tries a bundle, and puts the one before it back when it fails."""

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
    """Carries a bundle out and records it. `past` are the records before it, newest first.

    Raises:
        Failed: it failed; the message says what the cluster runs now.
        KeyboardInterrupt: it was interrupted; the message says the same.
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
            f"Interrupted: parts of bundle {record.number} ({bundle.revision}) are applied. `make deploy` goes on,"
            " `make rollback` puts the last proven bundle back."
        ) from None
    except Failed as error:
        print(f"Bundle {record.number} ({bundle.revision}) failed: {error}", file=sys.stderr, flush=True)
        if current is None:
            raise Failed(
                "There is no older bundle to put back, so what was applied stays for you to look at. Deploy again when"
                " it is mended, or `make undeploy`."
            ) from None
        if again:
            raise Failed("It is the bundle that ran before, too: there is nothing else to put back.") from None
        _restore(release, records, record, [record, *past], current)
    return record


def _restore(release: Release, records: Records, failed: Record, past: Sequence[Record], current: Record) -> NoReturn:
    """Applies the bundle that ran before, with all that belongs to it, and takes away what the failed one brought."""
    name, sentence = f"bundle {current.number} ({current.bundle.revision})", ""
    print_step(f"Putting {name} back")
    try:
        release.apply(current.bundle, before=failed.bundle.contracts, owned=owned(past))
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"Interrupted: parts of {name} are back; `make rollback` puts back the rest.") from None
    except SmokeFailed as error:
        sentence = f"Now {name} runs again, and fails its smoke test, too: {error}"
    except Failed as error:
        raise Failed(
            f"Now {name} could not be put back: {error} Its pods that are ready serve; `make rollback` tries again."
        ) from None
    for record in past:
        if record.state == STARTED:
            records.mark(record, UNDONE)
    raise Failed(sentence or f"Now {name} runs again and passed its smoke test.")
