"""The installation that a command changes."""

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
    """Mark a block that does not change the cluster: a failure inside is Refused."""
    try:
        yield
    except Failed as error:
        raise Refused(str(error)) from None
    except KeyboardInterrupt:
        raise KeyboardInterrupt("Interrupted; nothing changed.") from None


def reach(run: Run, options: Options) -> Kubectl:
    """Return kubectl for the context and for the overlay's namespace.

    Raises:
        Refused: the context or the overlay does not exist, or the cluster does not answer.
    """
    preflight.raise_all([*preflight.wrong_context(run, options.context), *preflight.wrong_overlay(options.overlay)])
    kubectl = Kubectl(options.context, namespace_of(render(run, options.overlay)), runner=run)
    cluster.version_of(kubectl)
    return kubectl
