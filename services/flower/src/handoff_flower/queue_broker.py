"""Flower's access to the queues, through Handoff's own connection.

Flower's own connection knows only one Sentinel and only database 0.
"""
# mypy: allow-untyped-calls
# Flower has no type annotations.

from flower.utils.broker import RedisBase
from flower.views import BaseHandler

from handoff_common.connections import async_client


class QueueBroker(RedisBase):
    def __init__(self, url: str) -> None:
        super().__init__("redis://")
        self.redis = async_client(url)


def install(url: str) -> None:
    """Make Flower's broker page and its queue API use `QueueBroker`."""
    BaseHandler.get_broker = lambda _: QueueBroker(url)  # type: ignore[method-assign]  # Flower has no option for it
