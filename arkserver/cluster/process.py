"""``arkserver worker``: one worker as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distributed.core import rpc

from arkserver.cluster.scheduler import configure_dask
from arkserver.cluster.tls import security
from arkserver.cluster.workers import start_worker
from arkserver.errors import WorkerLostError
from arkserver.settings import WorkerSettings

RETRY_SECONDS = 1.0


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
    """Run until somebody asks for the end; the exit status.

    When the connection breaks or the server ends, the worker joins again if there is a server in time.

    Raises
    ------
    WorkerLostError
        When there is no server.
    """
    configure_dask()
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # the server writes checkpoints
    stopping = loop.create_task(stop.wait())
    while not stop.is_set():
        joining = loop.create_task(_join(worker))
        await asyncio.wait([joining, stopping], return_when=asyncio.FIRST_COMPLETED)
        if joining.done():
            await _stay(worker, joining.result(), stopping)
        else:
            joining.cancel()
    return 0


async def _join(worker: WorkerProcess) -> Any:
    """The nanny of a worker that has joined."""
    more: dict[str, Any] = {"death_timeout": worker.death_timeout}
    if worker.folder is not None:
        more["local_directory"] = str(worker.folder)
    end = time.monotonic() + worker.death_timeout
    while True:
        try:
            nanny = await start_worker(worker.scheduler, worker.name, worker.settings, worker.memory, **more)
        except (OSError, TimeoutError, RuntimeError, ValueError) as e:  # the server may still hold the name, too
            if time.monotonic() > end:
                raise WorkerLostError(f"{worker.scheduler} did not take this worker: {e}") from None
            await asyncio.sleep(RETRY_SECONDS)
        else:
            print(f"worker {nanny.name} joined {worker.scheduler}", flush=True)  # noqa: T201 - what the operator waits for
            return nanny


async def _stay(worker: WorkerProcess, nanny: Any, stopping: asyncio.Task[Any]) -> None:
    """Return when the worker has ended, or has left because it was asked to."""
    finished = asyncio.ensure_future(nanny.finished())
    await asyncio.wait([finished, stopping], return_when=asyncio.FIRST_COMPLETED)
    if stopping.done():
        await _leave(worker, nanny.worker_address)
        await nanny.close()
    finished.cancel()


async def _leave(worker: WorkerProcess, address: str) -> None:
    """Have the blocks of this worker moved to others."""
    secure = security(worker.settings.tls_folder)
    arguments = secure.get_connection_args("worker") if secure is not None else {}
    async with rpc(worker.scheduler, connection_args=arguments) as scheduler:
        with contextlib.suppress(OSError, TimeoutError):  # without a server there is nobody to hand over to
            async with asyncio.timeout(worker.leave_seconds):
                await scheduler.arkserver_leave(address=address)
