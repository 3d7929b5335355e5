"""The Dask scheduler, in the server's own event loop."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask


@dataclass(frozen=True, slots=True)
class HostedScheduler:
    """A scheduler that runs in this process."""

    scheduler: Any
    address: str
    """where workers connect to"""
    dashboard: str
    """URL of its web pages"""
    dashboard_port: int

    @property
    def workers(self) -> int:
        """Workers that have joined."""
        return len(self.scheduler.workers)

    async def close(self) -> None:
        """End it; workers leave."""
        await self.scheduler.close()


async def start_scheduler(host: str, port: int, dashboard_port: int) -> HostedScheduler:
    """Start a scheduler.

    Raises
    ------
    OSError
        If a port is taken.
    """
    # Dask writes scratch files relative to the working folder unless it is told otherwise.
    dask.config.set({"temporary-directory": str(Path(tempfile.gettempdir()) / f"arkserver-{os.getpid()}")})
    from distributed import Scheduler

    scheduler = Scheduler(host=host, port=port, dashboard_address=f"{host}:{dashboard_port}", dashboard=True)
    try:
        await scheduler
    except RuntimeError as e:  # Dask wraps what happened
        raise (e.__cause__ if isinstance(e.__cause__, OSError) else e) from None
    web_port = int(scheduler.services["dashboard"].port)
    return HostedScheduler(scheduler, scheduler.address, f"http://{_reachable(host)}:{web_port}/status", web_port)


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - a comparison
