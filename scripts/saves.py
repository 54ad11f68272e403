"""Watches the source: which files were saved, and which processes run code from them."""

from collections.abc import Iterator
from pathlib import Path

from watchfiles import PythonFilter, watch

from process import Process
from stack import ROOT, Stack

PACKAGES = [ROOT / "packages" / name / "src" for name in ("common", "contracts", "http2", "ledger")]
SERVICES = [ROOT / "services" / name / "src" for name in ("api", "worker", "flower")]


def watch_saves() -> Iterator[set[Path]]:
    """Yield the files saved since the last step, ten times a second, often none. The first step starts to watch."""
    source = PythonFilter(extra_extensions=(".lua",))
    # With its own `watch_filter`, watch() never yields while only other files change.
    steps = watch(*PACKAGES, *SERVICES, watch_filter=None, debounce=400, rust_timeout=100, yield_on_timeout=True)
    return ({Path(path) for change, path in changes if source(change, path)} for changes in steps)


def affected(stack: Stack, changed: set[Path]) -> list[Process]:
    """Return the processes that run code from the changed files."""

    def within(folder: Path) -> bool:
        return any(path.is_relative_to(folder) for path in changed)

    services = zip([stack.api, stack.worker, stack.flower], SERVICES, strict=True)
    return [process for process, folder in services if within(folder) or any(map(within, PACKAGES))]
