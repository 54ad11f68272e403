"""The `log` provider: writes the tutorial's notification to a file after a simulated delay."""

import asyncio
import os
from pathlib import Path

from handoff_contracts.tasks.push_send import PushSend
from handoff_worker.delivery.apps import Apps
from handoff_worker.delivery.channel import Channel
from handoff_worker.delivery.responses import ProviderResponse, delivered
from handoff_worker.settings import Settings


class LogProvider:
    """Appends a line to the file at `path` for each notification, `delay` seconds after `send` is called."""

    def __init__(self, path: Path, delay: float, channel: Channel) -> None:
        self._delay = delay
        self._channel = channel
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def channel(self, push: PushSend) -> Channel:
        return self._channel

    async def send(self, push: PushSend) -> ProviderResponse:
        await asyncio.sleep(self._delay)
        line = f"Successfully sent push notification to: {push.token}\n"
        os.write(self._file, line.encode())  # one write with O_APPEND, so lines of several processes never mix
        return delivered()

    async def aclose(self) -> None:
        os.close(self._file)


def open_provider(settings: Settings, apps: Apps) -> LogProvider:
    return LogProvider(settings.notification_log, settings.log_provider_delay, apps.channel("log", "default"))
