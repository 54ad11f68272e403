"""The module that `celery -A handoff_worker` imports."""

from handoff_worker.celery_bridge.app import app

__all__ = ["app"]
