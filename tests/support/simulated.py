"""A cluster in one process: the scheduler on one thread, real workers all together on another."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from distributed import Worker

from arkserver.cluster.cluster import Cluster
from arkserver.cluster.scheduler import start_scheduler

JOIN_SECONDS = 120


class Loop:
    """An event loop on a thread of its own."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def run(self, work: Any) -> Any:
        """The result of a coroutine."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(JOIN_SECONDS)

    def cpu(self) -> float:
        """CPU seconds of the thread so far."""

        async def now() -> float:
            return time.thread_time()

        return float(self.run(now()))

    def close(self) -> None:
        """End it."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()


@contextmanager
def simulated(workers: int) -> Iterator[tuple[Cluster, Loop]]:
    """A cluster whose workers run on one thread of this process, and the loop of its scheduler."""
    server, others = Loop("server"), Loop("workers")
    scheduler = _scheduler()
    hosted = server.run(scheduler.__aenter__())
    address = hosted.cluster.scheduler.listeners[-1].contact_address
    crowd = _workers(address, workers)
    try:
        others.run(crowd.__aenter__())
        server.run(hosted.cluster.wait_for_workers(workers, JOIN_SECONDS))
        gc.freeze()  # the simulated workers, which the collector of a server does not see
        yield hosted.cluster, server
    finally:
        gc.unfreeze()
        others.run(crowd.__aexit__(None, None, None))
        server.run(scheduler.__aexit__(None, None, None))
        others.close()
        server.close()


@asynccontextmanager
async def _scheduler() -> AsyncIterator[Any]:
    hosted = await start_scheduler("127.0.0.1", 0, 0)
    try:
        yield hosted
    finally:
        await hosted.close()


@asynccontextmanager
async def _workers(scheduler: str, count: int) -> AsyncIterator[list[Worker]]:
    made = [Worker(scheduler, name=f"w{i}", nthreads=1, memory_limit=None, dashboard=False) for i in range(count)]
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(w) for w in made]
