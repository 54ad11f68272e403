"""`python -m deploy COMMAND`: runs `make deploy`, `rollback`, `undeploy`, `status` and `secrets`.

No check can be skipped. Exit codes: 0, done; 1, the command failed, and its last lines say what the cluster runs;
2, nothing changed, and each line on standard error names one problem; 130, interrupted.
"""

import argparse
import sys
from collections.abc import Callable, Sequence

from deploy.deployment import deploy
from deploy.errors import Failed, Refused
from deploy.make_secrets import secrets
from deploy.options import PRODUCTION, Options
from deploy.rollback import rollback
from deploy.shell import Run, run
from deploy.status import status
from deploy.undeploy import undeploy
from interrupts import ignore, raise_once

COMMANDS: dict[str, Callable[[Run, Options], None]] = {
    "deploy": deploy,
    "rollback": rollback,
    "undeploy": undeploy,
    "status": status,
    "secrets": secrets,
}


def parse(arguments: Sequence[str]) -> tuple[str, Options]:
    parser = argparse.ArgumentParser(
        prog="python -m deploy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--context", default="", help="the kubectl context of the cluster; there is no default")
    parser.add_argument("--overlay", default="", help=f"a folder of deploy/k8s/overlays (default: {PRODUCTION})")
    parser.add_argument("--registry", default="", help="the registry for the images: registry.example.com/team")
    parser.add_argument("--load", default="", help="or a command that loads images, given by name, into the cluster")
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    parser.add_argument("--allow-dirty", action="store_true", help="deploy uncommitted changes")
    parser.add_argument("--to", default="", help="rollback: the number of a bundle that `status` lists")
    parser.add_argument("--data", action="store_true", help="undeploy: also delete volumes, Secrets and the namespace")
    given = parser.parse_args(arguments)
    if given.to and not given.to.isdecimal():
        raise Refused(f"TO={given.to} is not the number of a bundle: `make status` lists them.")
    options = Options(
        context=given.context,
        overlay=given.overlay or PRODUCTION,
        registry=given.registry,
        load=given.load,
        yes=given.yes,
        allow_dirty=given.allow_dirty,
        to=int(given.to) if given.to else None,
        data=given.data,
    )
    return given.command, options


def main(arguments: Sequence[str], runner: Run = run) -> int:
    raise_once()
    try:
        command, options = parse(arguments)
        COMMANDS[command](runner, options)
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 2
    except Failed as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt as interrupt:
        print(str(interrupt) or "Interrupted: run the same command again to continue.", file=sys.stderr)
        return 130
    finally:
        ignore()  # nothing is left to interrupt
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
