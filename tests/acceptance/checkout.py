"""A copy of the source, for what writes into it."""

import os
import shutil
from pathlib import Path
from typing import NamedTuple, Self

import psutil

from stack import ROOT


class Checkout(NamedTuple):
    """A copy of the source, and an environment in which Python imports the members from there."""

    folder: Path
    env: dict[str, str]

    @classmethod
    def into(cls, folder: Path) -> Self:
        for part in ("packages", "services", "scripts"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "tests"))
        return cls(folder, {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folder.glob("*/*/src")))})

    def processes(self) -> list[psutil.Process]:
        """What runs in it: every process of a stack has its folder below the copy as working directory."""
        return [process for process in psutil.process_iter() if self._holds(process)]

    def _holds(self, process: psutil.Process) -> bool:
        try:
            return Path(process.cwd()).is_relative_to(self.folder)
        except psutil.Error:
            return False
