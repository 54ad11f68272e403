"""Shows the progress of a batch: a live bar on a terminal, else a line for every tenth."""

import sys

WIDTH = 40


class Progress:
    def __init__(self, total: int) -> None:
        self._total = total
        self._live = sys.stdout.isatty()
        self._tenths = -1  # shown so far

    def show(self, done: int) -> None:
        tenths = 10 * done // self._total
        total = f"{self._total:,}"
        line = f"{done:>{len(total)},} of {total}"
        if self._live:
            bar = "█" * (WIDTH * done // self._total)
            print(f"\r  {bar:░<{WIDTH}} {line}", end="\n" if done == self._total else "", flush=True)
        elif tenths > self._tenths:
            print(f"  {10 * tenths:>3} %  {line}", flush=True)
        self._tenths = tenths
