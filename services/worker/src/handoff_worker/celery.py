"""The module that `celery -A handoff_worker` looks for."""

from handoff_worker.celery_bridge.app import app

__all__ = ["app"]
