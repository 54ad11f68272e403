"""`make rollback`: applies an older bundle again, with its ConfigMaps, policies and images."""

from collections.abc import Sequence

from deploy import cluster, preflight
from deploy.diff import confirm, differences, show
from deploy.errors import Refused
from deploy.lock import Lock
from deploy.options import Options
from deploy.records import PROVEN, STARTED, Record, Records, owned
from deploy.release import Release, prune_candidates
from deploy.render import folder_of
from deploy.report import report
from deploy.shell import Run
from deploy.steps import print_step
from deploy.target import nothing_changed, reach
from deploy.transaction import apply_or_restore


def rollback(run: Run, options: Options) -> None:
    """Roll back. Raises Refused before the first change, Failed after it."""
    preflight.raise_all(preflight.no_terminal(options.yes))
    with nothing_changed():
        kubectl = reach(run, options)
        served = cluster.served_kinds(kubectl)
    with Lock(kubectl) as lock:
        with nothing_changed():
            records = Records(kubectl)
            past = records.all()
            target = choose(past, options.to)
            bundle = target.bundle
            preflight.raise_all(cluster.missing_secrets(kubectl, bundle.objects, options.command("secrets")))
            print_step(f"Rolling back to bundle {target.number} ({bundle.revision}, {target.when}, {target.who})")
            folder = folder_of(bundle.revision)
            folder.mkdir(parents=True, exist_ok=True)
            gone = prune_candidates(owned(past), bundle.objects)
            show(differences(kubectl, bundle.objects), gone, folder / "changes.diff")
            confirm(f"Apply this to {kubectl.context}? [y/N]", options.yes)
        record = apply_or_restore(Release(kubectl, lock, served=served), records, bundle, past)
    report(kubectl, record, past, options)


def choose(past: Sequence[Record], number: int | None) -> Record:
    """Return the record with the number, else the newest proven record that does not run now.

    Raises:
        Refused: there is no such record.
    """
    proven = [record for record in past if record.state == PROVEN]
    if number is not None:
        found = next((record for record in proven if record.number == number), None)
        known = ", ".join(str(record.number) for record in proven)
        if found is None:
            raise Refused(f"There is no proven bundle {number}: TO is one of {known or 'none'}.")
        return found
    if proven and past[0].state == STARTED:  # the last deploy was interrupted
        return proven[0]
    if len(proven) < 2:
        raise Refused("There is no older bundle.")
    return proven[1]
