"""``arkserver worker``: one worker as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distributed.core import rpc

from arkserver.cluster.scheduler import configure_dask
from arkserver.cluster.tls import security
from arkserver.cluster.workers import start_worker
from arkserver.settings import WorkerSettings


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    """What ``arkserver worker`` was told."""

    scheduler: str
    """address"""
    settings: WorkerSettings
    name: str | None = None
    memory: int = 0
    """bytes; 0 for no limit"""
    folder: Path | None = None
    """for what does not fit into memory"""
    death_timeout: float = 60.0
    """seconds without a server after which the process ends"""
    leave_seconds: float = 60.0
    """seconds that it gets to hand its blocks over"""


async def serve(worker: WorkerProcess) -> int:
    """Run until the server lets it go or somebody asks for the end; the exit status."""
    configure_dask()
    more: dict[str, Any] = {"death_timeout": worker.death_timeout}
    if worker.folder is not None:
        more["local_directory"] = str(worker.folder)
    nanny = await start_worker(worker.scheduler, worker.name, worker.settings, worker.memory, **more)
    print(f"worker {nanny.name} joined {worker.scheduler}", flush=True)  # noqa: T201 - what the operator waits for
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    waits = [loop.create_task(stop.wait()), loop.create_task(nanny.finished())]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        await _leave(worker, nanny.worker_address)
        await nanny.close()
    for task in waits:
        task.cancel()
    return 0


async def _leave(worker: WorkerProcess, address: str) -> None:
    """Have the blocks of this worker moved to others."""
    secure = security(worker.settings.tls_folder)
    arguments = secure.get_connection_args("worker") if secure is not None else {}
    async with rpc(worker.scheduler, connection_args=arguments) as scheduler:
        with contextlib.suppress(OSError, TimeoutError):  # without a server there is nobody to hand over to
            async with asyncio.timeout(worker.leave_seconds):
                await scheduler.arkserver_leave(address=address)
