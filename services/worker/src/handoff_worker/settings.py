"""The worker's settings."""

from pathlib import Path

from pydantic import Field

from handoff_ledger.settings import Shared


class Settings(Shared):
    """What a worker reads from the environment. Times are seconds."""

    notification_log: Path = Path("notification.log")
    log_provider_delay: float = Field(default=0.05, ge=0, le=60)
    soft_shutdown: float = Field(default=25, gt=0, le=3600)
    worker_ready_file: Path | None = None
