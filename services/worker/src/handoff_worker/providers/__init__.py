"""Providers carry a notification to its device."""

from typing import Protocol

from handoff_contracts.tasks.push_send import PushReceipt, PushSend


class PushProvider(Protocol):
    """A way to a device."""

    async def send(self, push: PushSend) -> PushReceipt:
        """Sends one notification. Raises `Retry` or `Fail`."""

    async def aclose(self) -> None:
        """Closes what it holds open."""
