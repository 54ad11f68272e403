"""Flower's look at the queues, over the ledger's connections: its own ask a single sentinel, and database 0 alone."""
# mypy: allow-untyped-calls
# Flower has no types.

from flower.utils.broker import RedisBase
from flower.views import BaseHandler

from handoff_common.connect import async_client


class Queues(RedisBase):
    def __init__(self, url: str) -> None:
        super().__init__("redis://")
        self.redis = async_client(url)


def install(url: str) -> None:
    """Makes Flower's broker page and its queue API use it."""
    BaseHandler.get_broker = lambda _: Queues(url)  # type: ignore[method-assign]  # Flower has no option for it
