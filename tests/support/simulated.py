"""A cluster in two processes: the scheduler on a thread of this one, real workers all together in another."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from arkserver.cluster.cluster import Cluster
from arkserver.cluster.scheduler import start_scheduler
from arkserver.daemons.server import spare_the_collector

ROOT = Path(__file__).parents[2]
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
    """A cluster whose workers share a process, and the loop of its scheduler.

    The process is not this one: what the server does for a command must not be measured beside what they do, in an
    interpreter whose lock and whose memory, which the collector goes through, they would share.
    """
    server, scheduler = Loop("server"), _scheduler()
    hosted = server.run(scheduler.__aenter__())
    rounds = gc.get_threshold()
    spare_the_collector()
    command = [sys.executable, "-m", "tests.support.crowd", hosted.address, str(workers)]
    crowd = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT)
    try:
        server.run(hosted.cluster.wait_for_workers(workers, JOIN_SECONDS))
        yield hosted.cluster, server
    finally:
        _end(crowd)
        gc.unfreeze()
        gc.set_threshold(*rounds)
        server.run(scheduler.__aexit__(None, None, None))
        server.close()


def _end(crowd: subprocess.Popen[bytes]) -> None:
    try:
        crowd.communicate(timeout=JOIN_SECONDS)
    except subprocess.TimeoutExpired:
        crowd.kill()
        crowd.wait()


@asynccontextmanager
async def _scheduler() -> AsyncIterator[Any]:
    hosted = await start_scheduler("127.0.0.1", 0, 0)
    try:
        yield hosted
    finally:
        await hosted.close()
