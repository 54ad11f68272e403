"""`make dev`: the stack natively, until Ctrl-C.

A saved file restarts the processes that run its code. One that does not start waits for the next save.
"""

import os
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from dotenv import dotenv_values
from watchfiles import PythonFilter, watch

from process import NotReady, Process, stop_together
from stack import ROOT, Stack, chosen_ports
from terminal import Terminal

DEFAULTS = {
    "HANDOFF_API_PORT": "8000",
    "HANDOFF_FLOWER_PORT": "5555",
    "HANDOFF_NOTIFICATION_LOG": str(ROOT / "notification.log"),
    "HANDOFF_SOFT_SHUTDOWN": "3",  # a save is soon live, whatever the worker is doing
}
PACKAGES = [ROOT / "packages" / name / "src" for name in ("contracts", "ledger")]
SERVICES = [ROOT / "services" / name / "src" for name in ("api", "worker", "flower")]


def read_settings() -> dict[str, str]:
    """The environment, then `.env`, then the defaults. What is set to nothing counts as not set."""
    from_file = {name: value for name, value in dotenv_values(ROOT / ".env").items() if value}
    from_shell = {name: value for name, value in os.environ.items() if value}
    return {**DEFAULTS, **from_file, **from_shell}


def touched(stack: Stack, changed: set[Path]) -> list[Process]:
    """The processes that run code from the changed files."""

    def within(folder: Path) -> bool:
        return any(path.is_relative_to(folder) for path in changed)

    owners = zip([stack.api, stack.worker, stack.flower], SERVICES, strict=True)
    return [process for process, folder in owners if within(folder) or any(map(within, PACKAGES))]


def restart(processes: Sequence[Process], terminal: Terminal) -> None:
    stop_together(processes)
    for process in processes:
        process.start()
    for process in processes:
        try:
            process.wait_ready()
            terminal.say("dev", f"{process.name} is ready")
        except NotReady as error:
            terminal.say("dev", str(error).splitlines()[0])


def watch_sources(stack: Stack, terminal: Terminal) -> None:
    """Restarts what a change touches, and tells once of every process that ended by itself."""
    sources = PythonFilter(extra_extensions=(".lua",))
    told: set[Process] = set()
    for changes in watch(
        *PACKAGES, *SERVICES, watch_filter=sources, debounce=400, rust_timeout=400, yield_on_timeout=True
    ):
        paths = {Path(path) for _, path in changes}
        if processes := touched(stack, paths):
            names = ", ".join(process.name for process in processes)
            terminal.say("dev", f"{', '.join(sorted(path.name for path in paths))} changed: restarting {names}")
            restart(processes, terminal)
        ended = {process for process in stack.processes if not process.running}
        for process in ended - told:
            terminal.say("dev", f"{process.name} has ended: the next save in its code starts it again")
        told = ended


def run(stack: Stack) -> None:
    with Terminal(stack.processes) as terminal:
        try:
            try:
                stack.start()
            except NotReady as error:
                terminal.say("dev", str(error).splitlines()[0])
                if stack.redis in stack.processes and not stack.redis.running:
                    return
            terminal.say("dev", f"API     {stack.api.url}/docs")
            terminal.say("dev", f"Flower  {stack.flower.url}  (login {stack.flower_login})")
            terminal.say("dev", f"Broker  {stack.redis_url}")
            terminal.say("dev", "Ctrl-C stops everything")
            watch_sources(stack, terminal)
        except KeyboardInterrupt:
            terminal.say("dev", "stopping")
        finally:
            stack.stop()


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    settings = read_settings()
    try:
        ports = chosen_ports(settings)
    except ValueError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    folder = ROOT / ".handoff" / "dev"
    shutil.rmtree(folder, ignore_errors=True)
    run(Stack(folder, settings=settings, flower=True, broker_url=settings.get("CELERY_BROKER_URL"), ports=ports))


if __name__ == "__main__":
    main()
