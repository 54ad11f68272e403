"""The installation that a command is about."""

import contextlib
from collections.abc import Iterator

from deploy import cluster, preflight
from deploy.errors import Failed, Refused
from deploy.kubectl import Kubectl
from deploy.options import Options
from deploy.render import namespace_of, render
from deploy.shell import Run


@contextlib.contextmanager
def nothing_changed() -> Iterator[None]:
    """A failure or an interrupt in here leaves the cluster as it was."""
    try:
        yield
    except Failed as error:
        raise Refused(str(error)) from None
    except KeyboardInterrupt:
        raise KeyboardInterrupt("Interrupted; nothing was changed.") from None


def reach(run: Run, options: Options) -> Kubectl:
    """kubectl for the context, and for the overlay's namespace.

    Raises:
        Refused: there is no such context or overlay, or the cluster does not answer.
    """
    preflight.raise_all([*preflight.wrong_context(run, options.context), *preflight.wrong_overlay(options.overlay)])
    kubectl = Kubectl(options.context, namespace_of(render(run, options.overlay)), runner=run)
    cluster.version_of(kubectl)
    return kubectl
