"""The `log` provider: the tutorial's notification, written to a file after a simulated delay."""

import asyncio
import os
from pathlib import Path

from handoff_contracts.tasks.push_send import PushReceipt, PushSend


class LogProvider:
    """Appends a line for each notification to `path`, `delay` seconds after it was asked to."""

    def __init__(self, path: Path, delay: float) -> None:
        self._delay = delay
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    async def send(self, push: PushSend) -> PushReceipt:
        await asyncio.sleep(self._delay)
        line = f"Successfully sent push notification to: {push.token}\n"
        os.write(self._file, line.encode())  # one write with O_APPEND: lines of several processes never mix
        return PushReceipt(provider="log", verdict="delivered")

    async def aclose(self) -> None:
        os.close(self._file)
