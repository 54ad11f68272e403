"""Prints what several processes write to their logs in one terminal."""

import re
import threading
from collections.abc import Sequence
from typing import Self

from process import Process

POLL_SECONDS = 0.1


class Terminal:
    """While entered, prints each new line of the logs after the name of its process. Hides lines that match `noise`."""

    def __init__(self, processes: Sequence[Process], *, noise: re.Pattern[str]) -> None:
        self._offsets = dict.fromkeys(processes, 0)  # bytes shown of each log
        self._width = max(len(process.name) for process in processes)
        self._noise = noise
        self._showing = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)  # must not delay an exit

    def say(self, name: str, line: str) -> None:
        print(f"{name:<{self._width}} | {line}", flush=True)

    def show_new(self) -> None:
        """Print the complete lines that were logged since the last call."""
        with self._showing:
            for process in self._offsets:
                self._show_new_of(process)

    def _show_new_of(self, process: Process) -> None:
        if not process.log.exists():
            return
        with process.log.open("rb") as log:
            log.seek(self._offsets[process])
            complete, newline, _ = log.read().rpartition(b"\n")
        self._offsets[process] += len(complete + newline)
        for line in complete.decode(errors="replace").splitlines():
            if line and not self._noise.search(line):
                self.say(process.name, line)

    def _follow(self) -> None:
        while not self._ended.wait(POLL_SECONDS):
            self.show_new()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self.show_new()
