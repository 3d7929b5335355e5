"""The Dask scheduler, in the server's own event loop."""

from __future__ import annotations

import functools
import logging
import socket
import warnings
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import dask
import psutil
from distributed.utils import get_ip

from arkserver.cluster import tls
from arkserver.cluster.cluster import Cluster
from arkserver.cluster.scratch import Scratch

SETTINGS = {
    # A worker that has not been heard of for so long is taken for dead.
    "distributed.scheduler.worker-ttl": "30s",
    # Shares of a worker's memory: blocks take up to the first; above the second they are written to its disk. The rest
    # is for the step that runs, which allocates faster than a disk can write.
    "distributed.worker.memory.target": 0.4,
    "distributed.worker.memory.spill": 0.5,
    # A session goes on for weeks: logs that grow with the number of tasks are kept short.
    "distributed.admin.low-level-log-length": 1_000,
    "distributed.diagnostics.computations.max-history": 10,
    "distributed.diagnostics.computations.nframes": 0,
    # A sampling profiler would take some per cent of every worker's time.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.interval": "5s",
    # Each server, nanny and worker looks whether its loop is late; at Dask's 50 times a second, while nobody asks
    # anything, three of them in the server's process and one in a worker took 4 and 2 per cent of a core.
    "distributed.admin.tick.interval": "500ms",
    # Uploads become part of a graph when they are small.
    "distributed.admin.large-graph-warning-threshold": "1 TB",
}


@dataclass(frozen=True, slots=True)
class HostedScheduler:
    """A scheduler that runs in this process."""

    scheduler: Any
    address: str
    """where workers connect to"""
    dashboard: str
    """URL of its web pages"""
    dashboard_port: int
    cluster: Cluster
    """its workers, for the executor"""

    @property
    def workers(self) -> int:
        """Workers that have joined."""
        return len(self.scheduler.workers)

    def page(self, name: str) -> str:
        """URL of a page beside the dashboard."""
        return f"{self.dashboard.removesuffix('status')}{name}"

    async def close(self) -> None:
        """End it; workers leave."""
        await self.cluster.close()
        await self.scheduler.close()


async def start_scheduler(
    host: str,
    port: int,
    dashboard_port: int,
    tls_folder: Path | None = None,
    advertise: str = "",
    keep_folder: Path | None = None,
) -> HostedScheduler:
    """Start a scheduler, and connect to it.

    Parameters
    ----------
    host : str
        Address to listen on.
    port, dashboard_port : int
    tls_folder : Path, optional
        Certificates.
    advertise : str, optional
        Name or address that workers connect to, if it cannot be seen from `host`.
    keep_folder : Path, optional
        For the files of blocks that no task can compute again.

    Raises
    ------
    OSError
        If a port is taken.
    """
    configure_dask()
    from distributed import Scheduler
    from distributed.scheduler import DEFAULT_EXTENSIONS

    from arkserver.cluster.spans import NoSpans

    # Blocks lie where they should: a task goes to its data, so no worker takes another's (Dask's setting for that holds
    # only for its default extensions).
    extensions = {**DEFAULT_EXTENSIONS, "spans": NoSpans}
    del extensions["stealing"]
    scheduler = Scheduler(
        host=host,
        port=port,
        protocol="tls" if tls_folder else "tcp",
        security=tls.security(tls_folder),
        dashboard_address=f"{host}:{dashboard_port}",
        dashboard=True,
        extensions=extensions,
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of a machine without a route to the internet
            await scheduler
    except RuntimeError as e:  # Dask wraps what happened
        raise (e.__cause__ if isinstance(e.__cause__, OSError) else e) from None
    web_port = int(scheduler.services["dashboard"].port)
    dashboard = f"http://{_reachable(host)}:{web_port}/status"
    protocol, _, where = scheduler.address.rpartition("://")
    address = f"{protocol}://{advertise or own_address(host)}:{where.rpartition(':')[2]}"
    cluster = await Cluster.open(scheduler, keep_folder)
    return HostedScheduler(scheduler, address, dashboard, web_port, cluster)


def configure_dask() -> None:
    """Dask's settings as this server wants them, in this process and in the workers that it starts."""
    dask.config.set({"temporary-directory": str(_scratch().path), **SETTINGS})
    for noisy in ("distributed.shuffle._scheduler_plugin", "distributed.scheduler"):
        logging.getLogger(noisy).setLevel(logging.ERROR)


@functools.cache
def _scratch() -> Scratch:
    """For what Dask puts on the disk; one for the process."""
    return Scratch()


def own_address(host: str) -> str:
    """An address that others reach this machine by, when it listens on `host`.

    Dask asks for the interface that routes to the internet; a compute node often has none, and then it would say the
    loopback to workers of other machines.
    """
    if not _everywhere(host):
        return f"[{host}]" if ":" in host else host
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = str(get_ip())
    if not ip_address(found).is_loopback:
        return found
    up = {name for name, facts in psutil.net_if_stats().items() if facts.isup}
    addresses = [a for name, many in psutil.net_if_addrs().items() if name in up for a in many]
    ours = [a.address for a in addresses if a.family == socket.AF_INET and not ip_address(a.address).is_loopback]
    return ours[0] if ours else found


def _everywhere(host: str) -> bool:
    return host in ("0.0.0.0", "::")  # noqa: S104 - a comparison


def _reachable(host: str) -> str:
    return "127.0.0.1" if _everywhere(host) else host
