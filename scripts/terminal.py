"""Shows in one terminal what several processes write to their logs."""

import threading
from collections.abc import Sequence
from typing import Self

from process import Process


class Terminal:
    """While entered, prints each new line of the logs under its process's name."""

    def __init__(self, processes: Sequence[Process]) -> None:
        self._read = dict.fromkeys(processes, 0)  # bytes shown of each log
        self._width = max(len(process.name) for process in processes)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)  # holds up no exit, whatever interrupts it

    def say(self, name: str, line: str) -> None:
        print(f"{name:<{self._width}} | {line}", flush=True)

    def _follow(self) -> None:
        while not self._ended.wait(0.1):
            self._show_new()

    def _show_new(self) -> None:
        for process in self._read:
            if not process.log.exists():
                continue
            with process.log.open("rb") as log:
                log.seek(self._read[process])
                complete, newline, _ = log.read().rpartition(b"\n")
            self._read[process] += len(complete + newline)
            for line in complete.decode(errors="replace").splitlines():
                self.say(process.name, line)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._show_new()
