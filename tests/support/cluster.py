"""A real cluster for tests: scheduler and client in a loop of their own thread, workers as processes."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from pathlib import Path

from arkserver.cluster.cluster import Cluster
from arkserver.cluster.executor import ClusterExecutor
from arkserver.cluster.scheduler import start_scheduler
from arkserver.cluster.workers import LocalLauncher, Pool, start_worker
from arkserver.daemons.server import SWITCH_SECONDS
from arkserver.settings import WorkerSettings

JOIN_SECONDS = 180
SETTINGS = WorkerSettings.model_validate({})


@contextmanager
def running_cluster(workers: int, memory: int = 0) -> Iterator[Cluster]:
    """A cluster with `workers` processes of one thread and, unless it is 0, `memory` bytes each."""
    sys.setswitchinterval(SWITCH_SECONDS)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="cluster")
    thread.start()
    life = _life(workers, memory)
    try:
        yield asyncio.run_coroutine_threadsafe(life.asend(None), loop).result(JOIN_SECONDS)
    finally:
        asyncio.run_coroutine_threadsafe(life.aclose(), loop).result(JOIN_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def own_workers() -> Iterator[ClusterExecutor]:
    """Two workers, as a fixture of the scope that a file or folder needs."""
    with running_cluster(2) as cluster:
        yield ClusterExecutor(cluster)


async def _life(workers: int, memory: int) -> AsyncGenerator[Cluster, None]:
    hosted = await start_scheduler("127.0.0.1", 0, 0)
    pool = Pool(hosted.cluster, LocalLauncher(hosted.address, SETTINGS, memory))
    try:
        await pool.scale(workers)
        await hosted.cluster.wait_for_workers(workers, JOIN_SECONDS)
        yield hosted.cluster
    finally:
        await pool.close()
        await hosted.close()


def complete(ex: ClusterExecutor, workers: int) -> ClusterExecutor:
    """The executor, when all its workers are there: a test before may have killed one."""
    ex.cluster.on_loop(ex.cluster.wait_for_workers(workers, JOIN_SECONDS)).result()
    return ex


@contextmanager
def further_worker(cluster: Cluster, folder: Path, memory: int) -> Iterator[None]:
    """One more worker, whose temporary files are in `folder`."""
    start = start_worker(cluster.scheduler.address, None, SETTINGS, memory, local_directory=str(folder))
    nanny = cluster.on_loop(start).result(JOIN_SECONDS)
    try:
        yield
    finally:
        cluster.on_loop(nanny.close()).result(JOIN_SECONDS)
