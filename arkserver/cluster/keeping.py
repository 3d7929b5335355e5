"""Blocks that no task can compute again, and how the tasks behind the others are kept few.

A block that came from a client, and one whose lineage was cut, has no task behind it: two workers hold it. Dask's
memory manager, which drops second copies, is told to make them instead. Under memory pressure the second copy, which
nobody reads, is what a worker writes to disk first.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Sequence
from typing import Any

from distributed import Client, Future, Scheduler
from distributed.active_memory_manager import ReduceReplicas, Suggestion

from arkserver.cluster.blocks import RemoteBlock

REPLICAS = 2
PREFIX = "kept"
# A second copy that is not there after this time is left to the memory manager's later rounds.
COPY_SECONDS = 30.0
LOOK_SECONDS = 0.01
# A worker that does not take a block in this time has left.
SEND_SECONDS = 10

_numbers = itertools.count()


def new_key() -> tuple[str, int]:
    """The key of a block without a task."""
    return (f"{PREFIX}-{next(_numbers)}", 0)


async def scatter(client: Client, scheduler: Scheduler, contents: Sequence[Any], homes: Sequence[str]) -> list[Future]:
    """Send contents to the workers, each to its home and from there to a second one.

    Raises
    ------
    OSError
        When a worker left meanwhile; what was sent is forgotten.
    """
    futures = await asyncio.gather(*(_send(client, c, home) for c, home in zip(contents, homes, strict=True)))
    await _copy(scheduler, futures)
    return list(futures)


async def _send(client: Client, content: Any, home: str) -> Future:
    key = new_key()
    found = await client.scatter({key: content}, workers=[home], direct=True, timeout=SEND_SECONDS)
    return found[key]


async def _copy(scheduler: Scheduler, futures: Sequence[Future]) -> None:
    """Wait for the second copies, which the memory manager is told to make now."""
    end = time.monotonic() + COPY_SECONDS
    missing = [f.key for f in futures]
    scheduler.extensions["amm"].run_once()
    while missing and time.monotonic() < end:
        await asyncio.sleep(LOOK_SECONDS)
        if any(k not in scheduler.tasks for k in missing):
            raise OSError("a worker left while it took data")
        missing = [k for k in missing if len(scheduler.tasks[k].who_has or ()) < _wanted(scheduler)]


def _wanted(scheduler: Scheduler) -> int:
    return min(REPLICAS, len(scheduler.running))


async def cut(client: Client, scheduler: Scheduler, block: RemoteBlock) -> None:
    """Give a computed block a key without a task behind it, so that the scheduler can forget how it came about.

    A block that is not there, or whose worker leaves meanwhile, stays as it is.
    """
    task = scheduler.tasks.get(block.key)
    if task is None or not task.who_has:
        return
    worker = next(iter(task.who_has)).address
    future = Future(new_key(), client)
    with contextlib.suppress(OSError, KeyError):
        nbytes = {future.key: await scheduler.rpc(worker).arkserver_keep(old=block.key, new=future.key)}
        await client.scheduler.update_data(who_has={future.key: [worker]}, nbytes=nbytes, client=client.id)
        await _copy(scheduler, [future])
        block.future, block.depth = future, 0


class KeepReplicas(ReduceReplicas):  # type: ignore[misc]  # distributed publishes no types
    """Two copies of what no task can compute again, one of everything else.

    This alone makes second copies: Dask's ``Client.replicate`` beside it would send a block that is on its way already,
    and a worker that gets a block twice ends with an error.
    """

    def run(self) -> Any:
        """Suggest what to copy and what to drop."""
        for suggestion in super().run():
            if suggestion.ts.run_spec is not None:
                yield suggestion
        scheduler = self.manager.scheduler
        prefix = scheduler.task_prefixes.get(PREFIX)
        for group in list(prefix.groups) if prefix is not None else ():
            task = scheduler.tasks.get((group.name, 0))
            copies = len(task.who_has or ()) if task is not None else 0
            if 0 < copies < _wanted(scheduler):
                yield Suggestion("replicate", task)
            elif copies > REPLICAS:
                yield Suggestion("drop", task)
