"""Many workers in one process: ``python -m tests.support.crowd SCHEDULER COUNT``.

Runs until its standard input is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys

from distributed import Worker

from arkserver.cluster.scheduler import configure_dask


async def main(scheduler: str, count: int) -> None:
    configure_dask()
    logging.getLogger("distributed").setLevel(logging.ERROR)  # each of hundreds tells of its life in twelve lines
    made = [Worker(scheduler, name=f"w{i}", nthreads=1, memory_limit=None, dashboard=False) for i in range(count)]
    async with contextlib.AsyncExitStack() as stack:
        for worker in made:
            await stack.enter_async_context(worker)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
