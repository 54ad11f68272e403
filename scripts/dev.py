"""`make dev`: runs Redis, API, worker and Flower on this machine until Ctrl-C. Tasks survive a restart.

A save restarts the processes that run the changed code. A process that does not start waits for the next save.
Exit codes: 0, interrupted; 1, Redis does not run; 2, `make dev` runs already, or a setting is wrong.
"""

import signal

if __name__ == "__main__":  # before main() there is nothing to clean up
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import env_file
from interrupts import ignore, raise_once
from process import NotReady, Process, stop_together, take_lock
from saves import affected, watch_saves
from stack import ROOT, Stack, chosen_ports
from terminal import Terminal

DEFAULTS = {
    "HANDOFF_API_PORT": "8000",
    "HANDOFF_FLOWER_PORT": "5555",
    "HANDOFF_NOTIFICATION_LOG": "notification.log",
    "HANDOFF_SOFT_SHUTDOWN": "3",  # a busy worker must not delay a reload
    "FLOWER_LOGGING": "error",
    "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
}
PATHS = (
    "HANDOFF_NOTIFICATION_LOG",
    "HANDOFF_API_KEYS_FILE",
    "HANDOFF_FLOWER_DB",
    "HANDOFF_APPS_DIR",
    "HANDOFF_BLOB_DIR",
)
FOLDER = ROOT / ".handoff" / "dev"  # logs; every start empties it
DATA = ROOT / ".handoff" / "dev-redis"  # Redis's append-only file; every start reads it
LOCK = ROOT / ".handoff" / "dev.lock"
URL_FILE = FOLDER / "redis-url"  # for `make doctor`
REDIS_OPTIONS = ("--dir", str(DATA), "--maxmemory", "1gb")
NOISE = re.compile(
    r"Memory overcommit must be enabled"
    r"|Received SIGTERM scheduling shutdown|is now ready to exit, bye bye"
    r"|info +Connected to redis|info +\S+@\S+ ready\.$"
    r"|Warm shutdown \(MainProcess\)$|\d+ detected, shutting down$"
)


def read_settings() -> dict[str, str]:
    """Return the environment's settings, then those of `.env`, then the defaults.

    Relative paths start at the folder of `.env`, because every start empties the folder in which the processes run.
    """
    settings = DEFAULTS | env_file.read(ROOT / ".env")
    return settings | {name: str(ROOT / settings[name]) for name in PATHS if name in settings}


def wait_ready(process: Process, terminal: Terminal) -> bool:
    """Return whether the process gets ready. Otherwise print why not."""
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
        if wait_ready(process, terminal):
            terminal.say("dev", f"{process.name} is ready")


def refuses_settings(process: Process) -> bool:
    """Return whether wrong settings ended the process. Exit code 2 alone may also mean code that does not load."""
    lines = process.log.read_text(errors="replace").splitlines()
    return process.exit_code == 2 and any(line.startswith("handoff: ") for line in lines)


def start(stack: Stack, terminal: Terminal) -> int:
    """Start every process. Return an exit code other than 0 when the stack cannot run."""
    front = [process for process in stack.processes if process is not stack.redis]
    if stack.redis in stack.processes:
        stack.redis.start()
        if not wait_ready(stack.redis, terminal):
            return 1
    for process in front:
        process.start()
    for process in front:
        if not wait_ready(process, terminal) and refuses_settings(process):
            terminal.say("dev", f"{process.name} refuses its settings: stopping everything")
            return 2
    return 0


def announce(stack: Stack, terminal: Terminal) -> None:
    """Print the URLs after everything that the processes logged so far."""
    terminal.show_new()
    docs = "/docs" if stack.api.env["HANDOFF_ENV"] == "development" else ""
    places = {
        stack.redis: f"Redis   {stack.redis_url}  (`make doctor` checks it)",
        stack.worker: f"Log     {stack.notification_log}  (what the `log` provider sent)",
        stack.flower: f"Flower  {stack.flower.url}  (login {stack.flower_login})",
        stack.api: f"API     {stack.api.url}{docs}",
    }
    if stack.redis.running:
        terminal.say("dev", f"Data    {DATA}  (survives a restart; delete the folder to start empty)")
    for process, place in places.items():
        if process.running:
            terminal.say("dev", place)
    terminal.say("dev", "Ctrl-C stops everything")


def follow(saves: Iterator[set[Path]], stack: Stack, terminal: Terminal) -> int:
    """Restart what a save affects, and Redis or Flower when they end. Return 1 when Redis does not start again."""
    reported: set[Process] = set()
    for paths in saves:
        if processes := affected(stack, paths):
            names = ", ".join(process.name for process in processes)
            terminal.say("dev", f"{', '.join(sorted(path.name for path in paths))} changed: restarting {names}")
            restart(processes, terminal)
        for process in [process for process in stack.processes if not process.running and process not in reported]:
            if process in (stack.redis, stack.flower):
                terminal.say("dev", f"{process.name} has ended: starting it again")
                restart([process], terminal)
            else:
                terminal.say("dev", f"{process.name} has ended: the next save in its code starts it again")
        reported = {process for process in stack.processes if not process.running}
        if stack.redis in reported:
            break
    terminal.say("dev", "Redis does not start again: stopping everything")
    return 1


def run(stack: Stack) -> int:
    with Terminal(stack.processes, noise=NOISE) as terminal:
        terminal.say("dev", "Starting Redis, API, worker and Flower")
        saves = watch_saves()
        try:
            next(saves)  # a save during the start counts, too
            if code := start(stack, terminal):
                return code
            announce(stack, terminal)
            return follow(saves, stack, terminal)
        except KeyboardInterrupt:
            terminal.say("dev", "stopping")
            return 0
        finally:
            stack.stop()


def main() -> int:
    raise_once()
    try:
        if not take_lock(LOCK):
            print("`make dev` runs in this folder already: stop it first, with Ctrl-C.", file=sys.stderr)
            return 2
        settings = read_settings()
        try:
            ports = chosen_ports(settings)
        except ValueError as error:
            print(error, file=sys.stderr)
            return 2
        shutil.rmtree(FOLDER, ignore_errors=True)
        DATA.mkdir(parents=True, exist_ok=True)
        stack = Stack(
            FOLDER,
            settings=settings,
            flower=True,
            appendonly=True,
            redis_options=REDIS_OPTIONS,
            broker_url=settings.get("CELERY_BROKER_URL"),
            ports=ports,
        )
        URL_FILE.write_text(stack.redis_url)
        return run(stack)
    except KeyboardInterrupt:
        return 0
    finally:
        ignore()  # reaper.py kills the remaining processes


if __name__ == "__main__":
    sys.exit(main())
