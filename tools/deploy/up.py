"""`make deploy`: from this checkout to a rollout that has shown that it works."""

from collections.abc import Sequence
from itertools import chain

from deploy import cluster, preflight
from deploy.attempt import attempt
from deploy.diff import confirm, differences, show
from deploy.gates import check, check_pinned
from deploy.images import load, provide
from deploy.kubectl import Kubectl
from deploy.lock import Lock
from deploy.make_secrets import secrets
from deploy.objects import Obj, images
from deploy.options import DEV, Options
from deploy.records import Bundle, Record, Records, owned
from deploy.release import Release, surplus
from deploy.render import folder_of, namespace_of, render
from deploy.report import report
from deploy.shell import Run
from deploy.steps import say
from deploy.target import nothing_changed
from deploy.tree import Tree, contracts, read_tree


def deploy(run: Run, options: Options) -> None:
    """Raises Refused before anything is changed, Failed after."""
    with nothing_changed():
        tree = _look_around(run, options)
        draft = render(run, options.overlay)
        kubectl = Kubectl(options.context, namespace_of(draft), runner=run)
        served = _look_at_cluster(run, kubectl, draft, options)
        say(f"Everything needed is there: {tree.revision} goes to {kubectl.context}, namespace {kubectl.namespace}")
    if _is_first(kubectl, options):
        secrets(run, options)
    with Lock(kubectl) as lock:
        with nothing_changed():
            bundle = _prepare(run, tree, options)
            records = Records(kubectl)
            past = records.all()
            _ask(kubectl, bundle, past, options)
        release = Release(kubectl, lock, served=served)
        record = attempt(release, records, bundle, past)
    report(kubectl, record, past, options)


def _look_around(run: Run, options: Options) -> Tree:
    """What can be seen without a cluster."""
    tree = read_tree(run)
    preflight.raise_all(
        chain(
            preflight.wrong_context(run, options.context),
            preflight.wrong_arguments(options.registry, options.load),
            preflight.wrong_overlay(options.overlay),
            preflight.nobody_to_ask(options.yes),
            preflight.dirty(tree, options.allow_dirty),
            preflight.docker_away(run),
        )
    )
    return tree


def _look_at_cluster(run: Run, kubectl: Kubectl, draft: Sequence[Obj], options: Options) -> cluster.Served:
    check(draft, cluster.version_of(kubectl))
    served = cluster.served_kinds(kubectl)
    preflight.raise_all(chain(cluster.unserved(draft, served), cluster.no_rights(kubectl, draft, served)))
    first = _is_first(kubectl, options)
    preflight.raise_all(
        chain(
            preflight.registry_away(run, options.registry) if options.registry else [],
            [] if first else cluster.missing_secrets(kubectl, draft, options.command("secrets")),
            cluster.locked(kubectl),
        )
    )
    return served


def _is_first(kubectl: Kubectl, options: Options) -> bool:
    """Whether there is nothing yet, where the Secrets may be made along the way: in production they are decided on."""
    return options.overlay == DEV and kubectl.get("namespace", kubectl.namespace) is None


def _prepare(run: Run, tree: Tree, options: Options) -> Bundle:
    built = provide(run, tree.revision, options.registry)
    objects = render(run, options.overlay, tree.revision, built)
    check_pinned(objects)
    if options.load:
        load(run, options.load, images(objects))
    return Bundle(revision=tree.revision, overlay=options.overlay, contracts=contracts(), objects=objects)


def _ask(kubectl: Kubectl, bundle: Bundle, past: Sequence[Record], options: Options) -> None:
    diff = differences(kubectl, bundle.objects)
    pruned = surplus(owned(past), bundle.objects)
    if not diff and not pruned:
        say("The cluster has all of it already; it is applied again, waited for and tested")
        return
    show(diff, pruned, folder_of(bundle.revision) / "changes.diff")
    confirm(f"Apply this to {kubectl.context}? [y/N]", options.yes)
