"""Handles `system.echo`."""

from handoff_contracts.tasks.system_echo import SYSTEM_ECHO, Echo, Echoed
from handoff_worker.binding import handles
from handoff_worker.resources import Resources


@handles(SYSTEM_ECHO)
async def system_echo(echo: Echo, resources: Resources) -> Echoed:
    return Echoed(message=echo.message)
