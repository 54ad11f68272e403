"""`make dev`: the stack natively, until Ctrl-C.

A saved file restarts the processes that run its code. One that does not start waits for the next save. Exit codes:
0, it was interrupted; 1, Redis does not run; 2, it runs already, or a setting is no good.
"""

import signal

if __name__ == "__main__":  # until main() there is nothing to clean up
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from dotenv import dotenv_values
from watchfiles import PythonFilter, watch

from interrupts import ignore, raise_once
from process import NotReady, Process, stop_together, take_lock
from stack import ROOT, Stack, chosen_ports
from terminal import Terminal

DEFAULTS = {
    "HANDOFF_API_PORT": "8000",
    "HANDOFF_FLOWER_PORT": "5555",
    "HANDOFF_NOTIFICATION_LOG": "notification.log",
    "HANDOFF_SOFT_SHUTDOWN": "3",  # a save is soon live, whatever the worker is doing
}
FILES = (
    "HANDOFF_NOTIFICATION_LOG",
    "HANDOFF_API_KEYS_FILE",
    "HANDOFF_FLOWER_DB",
    "HANDOFF_APPS_DIR",
    "HANDOFF_BLOB_DIR",
)
FOLDER = ROOT / ".handoff" / "dev"
PACKAGES = [ROOT / "packages" / name / "src" for name in ("contracts", "ledger")]
SERVICES = [ROOT / "services" / name / "src" for name in ("api", "worker", "flower")]


def read_settings() -> dict[str, str]:
    """The environment, then `.env`, then the defaults. What is set to nothing counts as not set.

    Paths count from the folder of `.env`, not from the one that the processes run in, which the next start empties.
    """
    from_file = {name: value for name, value in dotenv_values(ROOT / ".env").items() if value}
    from_shell = {name: value for name, value in os.environ.items() if value}
    settings = {**DEFAULTS, **from_file, **from_shell}
    return settings | {name: str(ROOT / settings[name]) for name in FILES if name in settings}


def touched(stack: Stack, changed: set[Path]) -> list[Process]:
    """The processes that run code from the changed files."""

    def within(folder: Path) -> bool:
        return any(path.is_relative_to(folder) for path in changed)

    owners = zip([stack.api, stack.worker, stack.flower], SERVICES, strict=True)
    return [process for process, folder in owners if within(folder) or any(map(within, PACKAGES))]


def is_ready(process: Process, terminal: Terminal) -> bool:
    """Waits until it is, or tells why not."""
    try:
        process.wait_ready()
    except NotReady as error:
        terminal.say("dev", str(error).splitlines()[0])
        return False
    return True


def restart(processes: Sequence[Process], terminal: Terminal) -> None:
    stop_together(processes)
    for process in processes:
        process.start()
    for process in processes:
        if is_ready(process, terminal):
            terminal.say("dev", f"{process.name} is ready")


def refused(process: Process) -> bool:
    """Whether it ended over its settings: it said so, for Celery exits with 2 over code that does not load, too."""
    said = process.log.read_text(errors="replace").splitlines()
    return process.exit_code == 2 and any(line.startswith("handoff: ") for line in said)


def start(stack: Stack, terminal: Terminal) -> int:
    """Starts everything; returns the exit code when it is of no use to go on, else 0."""
    front = [process for process in stack.processes if process is not stack.redis]
    if stack.redis in stack.processes:
        stack.redis.start()
        if not is_ready(stack.redis, terminal):
            return 1
    for process in front:
        process.start()
    for process in front:
        if not is_ready(process, terminal) and refused(process):
            terminal.say("dev", f"{process.name} refuses its settings: stopping everything")
            return 2
    return 0


def announce(stack: Stack, terminal: Terminal) -> None:
    """Tells where to look at what runs."""
    docs = "/docs" if stack.api.env["HANDOFF_ENV"] == "development" else ""
    places = {
        stack.api: f"API     {stack.api.url}{docs}",
        stack.flower: f"Flower  {stack.flower.url}  (login {stack.flower_login})",
        stack.worker: f"Log     {stack.notification_log}  (what the log provider sent)",
        stack.redis: f"Broker  {stack.redis_url}  (CELERY_BROKER_URL={stack.redis_url} make doctor looks at it)",
    }
    for process, place in places.items():
        if process.running:
            terminal.say("dev", place)
    terminal.say("dev", "Ctrl-C stops everything")


def saves() -> Iterator[set[Path]]:
    """What was saved since the last look, often nothing, ten times a second; the first begins to look."""
    source = PythonFilter(extra_extensions=(".lua",))
    # Without a `watch_filter` of its own: watch() says nothing for as long as nothing but other files change.
    looks = watch(*PACKAGES, *SERVICES, watch_filter=None, debounce=400, rust_timeout=100, yield_on_timeout=True)
    return ({Path(path) for change, path in changes if source(change, path)} for changes in looks)


def follow(saved: Iterator[set[Path]], stack: Stack, terminal: Terminal) -> int:
    """Restarts what a save touches, and what ended by itself unless that was our code; ends without Redis, with 1."""
    told: set[Process] = set()
    for paths in saved:
        if processes := touched(stack, paths):
            names = ", ".join(process.name for process in processes)
            terminal.say("dev", f"{', '.join(sorted(path.name for path in paths))} changed: restarting {names}")
            restart(processes, terminal)
        for process in [process for process in stack.processes if not process.running and process not in told]:
            if process in (stack.redis, stack.flower):
                terminal.say("dev", f"{process.name} has ended: starting it again")
                restart([process], terminal)
            else:
                terminal.say("dev", f"{process.name} has ended: the next save in its code starts it again")
        told = {process for process in stack.processes if not process.running}
        if stack.redis in told:
            break
    terminal.say("dev", "nothing works without redis: stopping everything")
    return 1


def run(stack: Stack) -> int:
    with Terminal(stack.processes) as terminal:
        saved = saves()
        try:
            next(saved)  # what is saved while all this starts is seen
            if code := start(stack, terminal):
                return code
            announce(stack, terminal)
            return follow(saved, stack, terminal)
        except KeyboardInterrupt:
            terminal.say("dev", "stopping")
            return 0
        finally:
            stack.stop()


def main() -> int:
    raise_once()
    try:
        if not take_lock(FOLDER.with_name("dev.lock")):
            print("`make dev` runs in this folder already: stop it first, with Ctrl-C.", file=sys.stderr)
            return 2
        settings = read_settings()
        try:
            ports = chosen_ports(settings)
        except ValueError as error:
            print(error, file=sys.stderr)
            return 2
        shutil.rmtree(FOLDER, ignore_errors=True)
        broker_url = settings.get("CELERY_BROKER_URL")
        return run(Stack(FOLDER, settings=settings, flower=True, appendonly=True, broker_url=broker_url, ports=ports))
    except KeyboardInterrupt:
        return 0
    finally:
        ignore()  # what is left is killed at exit


if __name__ == "__main__":
    sys.exit(main())
