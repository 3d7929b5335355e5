"""Workers that have stopped for want of memory and cannot go on.

Dask stops giving a worker tasks, and the worker stops running those that it has, while its memory is nearly full. When
it cannot write blocks to its disk either, that is for good, and what waits for those tasks would wait for ever.
"""

from __future__ import annotations

import asyncio
import time

import structlog
from distributed import Scheduler, Status

log = structlog.get_logger("workers")

# A worker that has had tasks and not run any for so long is started again; its blocks are made again elsewhere.
STUCK_SECONDS = 30.0
LOOK_SECONDS = 1.0


async def restart_forever(scheduler: Scheduler) -> None:
    """Start workers again that are stuck."""
    since: dict[str, float] = {}
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        now = time.monotonic()
        waiting = [w.address for w in scheduler.workers.values() if w.status is Status.paused and w.processing]
        since = {address: since.get(address, now) for address in waiting}
        stuck = [address for address, start in since.items() if now - start > STUCK_SECONDS]
        if stuck:
            log.warning("workers with full memory do not go on and are started again", workers=stuck)
            await scheduler.restart_workers(
                stuck, wait_for_workers=False, on_error="return", stimulus_id=f"arkserver-stuck-{now}"
            )
