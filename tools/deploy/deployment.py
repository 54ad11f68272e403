"""`make deploy`: builds this checkout's images, applies them, and tests the result."""

from collections.abc import Sequence
from itertools import chain

from deploy import cluster, preflight
from deploy.diff import confirm, differences, show
from deploy.gates import check, check_pinned
from deploy.images import load, provide
from deploy.kubectl import Kubectl
from deploy.lock import Lock
from deploy.make_secrets import secrets
from deploy.objects import Obj, images
from deploy.options import DEV, Options
from deploy.records import Bundle, Record, Records, owned
from deploy.release import Release, prune_candidates
from deploy.render import folder_of, namespace_of, render
from deploy.report import report
from deploy.revision import Revision, contracts, read_revision
from deploy.shell import Run
from deploy.steps import print_step
from deploy.target import nothing_changed
from deploy.transaction import apply_or_restore


def deploy(run: Run, options: Options) -> None:
    """Deploy. Raises Refused before the first change, Failed after it."""
    with nothing_changed():
        revision = _check_local(run, options)
        draft = render(run, options.overlay)
        kubectl = Kubectl(options.context, namespace_of(draft), runner=run)
        served = _check_cluster(run, kubectl, draft, options)
        print_step(f"All checks passed: deploying {revision.name} to {kubectl.context}, namespace {kubectl.namespace}")
    if _is_first(kubectl, options):
        secrets(run, options)
    with Lock(kubectl) as lock:
        with nothing_changed():
            bundle = _prepare(run, revision, options)
            records = Records(kubectl)
            past = records.all()
            _ask(kubectl, bundle, past, options)
        release = Release(kubectl, lock, served=served)
        record = apply_or_restore(release, records, bundle, past)
    report(kubectl, record, past, options)


def _check_local(run: Run, options: Options) -> Revision:
    """Check what needs no cluster. Return the revision to deploy."""
    revision = read_revision(run)
    preflight.raise_all(
        chain(
            preflight.wrong_context(run, options.context),
            preflight.wrong_arguments(options.registry, options.load),
            preflight.wrong_overlay(options.overlay),
            preflight.no_terminal(options.yes),
            preflight.dirty(revision, options.allow_dirty),
            preflight.docker_unreachable(run),
        )
    )
    return revision


def _check_cluster(run: Run, kubectl: Kubectl, draft: Sequence[Obj], options: Options) -> cluster.Served:
    check(draft, cluster.version_of(kubectl))
    served = cluster.served_kinds(kubectl)
    preflight.raise_all(chain(cluster.unserved(draft, served), cluster.no_rights(kubectl, draft, served)))
    first = _is_first(kubectl, options)
    preflight.raise_all(
        chain(
            preflight.registry_unreachable(run, options.registry) if options.registry else [],
            [] if first else cluster.missing_secrets(kubectl, draft, options.command("secrets")),
            cluster.locked(kubectl),
        )
    )
    return served


def _is_first(kubectl: Kubectl, options: Options) -> bool:
    """Return whether this is the first deploy to a test cluster. It creates the Secrets itself."""
    return options.overlay == DEV and kubectl.get("namespace", kubectl.namespace) is None


def _prepare(run: Run, revision: Revision, options: Options) -> Bundle:
    built = provide(run, revision.name, options.registry)
    objects = render(run, options.overlay, revision.name, built)
    check_pinned(objects)
    if options.load:
        load(run, options.load, images(objects))
    return Bundle(revision=revision.name, overlay=options.overlay, contracts=contracts(), objects=objects)


def _ask(kubectl: Kubectl, bundle: Bundle, past: Sequence[Record], options: Options) -> None:
    diff = differences(kubectl, bundle.objects)
    pruned = prune_candidates(owned(past), bundle.objects)
    if not diff and not pruned:
        print_step("The cluster already has every object; applying and testing them again")
        return
    show(diff, pruned, folder_of(bundle.revision) / "changes.diff")
    confirm(f"Apply this to {kubectl.context}? [y/N]", options.yes)
