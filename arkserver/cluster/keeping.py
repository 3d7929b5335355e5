"""Blocks that no task can compute again, and how the tasks behind the others are kept few.

A block that came from a client, and one whose lineage was cut, has a file (`vault.py`) and a task that reads it. Where
there can be no file (the disk is full, a worker does not see the folder), two workers hold the block instead: Dask's
memory manager, which drops second copies, is told to make them. Under memory pressure the second copy, which nobody
reads, is what a worker writes to disk first.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Sequence
from typing import Any

from dask._task_spec import Task
from distributed import Client, Future, Scheduler
from distributed.active_memory_manager import ReduceReplicas, Suggestion

from arkserver.cluster.blocks import RemoteBlock
from arkserver.cluster.vault import PREFIX, Vault, load

REPLICAS = 2
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


async def _copy(scheduler: Scheduler, futures: Sequence[Future]) -> bool:
    """Wait for the second copies, which the memory manager is told to make now; whether they are there."""
    end = time.monotonic() + COPY_SECONDS
    missing = [f.key for f in futures]
    scheduler.extensions["amm"].run_once()
    while missing and time.monotonic() < end:
        await asyncio.sleep(LOOK_SECONDS)
        if any(k not in scheduler.tasks for k in missing):
            raise OSError("a worker left while it took data")
        missing = [k for k in missing if len(scheduler.tasks[k].who_has or ()) < _wanted(scheduler)]
    return not missing


def _wanted(scheduler: Scheduler) -> int:
    return min(REPLICAS, len(scheduler.running))


async def cut(client: Client, scheduler: Scheduler, vault: Vault, block: RemoteBlock) -> None:
    """Give a computed block a key without the tasks behind it, so that the scheduler can forget how it came about.

    A block that is not there, or cannot be kept safe, or whose worker leaves meanwhile, stays as it is.
    """
    task = scheduler.tasks.get(block.key)
    if task is None or not task.who_has:
        return
    worker = next(iter(task.who_has)).address
    future = Future(new_key(), client)
    with contextlib.suppress(OSError, KeyError):
        path = vault.path(future.key)
        nbytes, written = await scheduler.rpc(worker).arkserver_keep(old=block.key, new=future.key, path=path)
        _announce(scheduler, client, future.key, worker, nbytes)
        if written:
            _can_be_read(scheduler, future.key, path)
        elif not await _copy(scheduler, [future]):
            return
        block.future, block.depth, block.content = future, 0, None
    if block.future is not future:
        vault.forget(future.key)


def _announce(scheduler: Scheduler, client: Client, key: Any, worker: str, nbytes: int) -> None:
    """Have the scheduler know that a worker, if it is still there, holds a block."""
    if worker not in scheduler.workers:
        raise OSError("a worker left while a block of it was kept")
    scheduler.update_data(who_has={key: [worker]}, nbytes={key: nbytes}, client=client.id)


def _can_be_read(scheduler: Scheduler, key: Any, path: str) -> None:
    """Give a block that workers hold the task that reads its file, for the time when they have lost it."""
    task = scheduler.tasks[key]
    task.run_spec = Task(key, load, path)
    task.priority = (0, 0, 0)


class KeepReplicas(ReduceReplicas):  # type: ignore[misc]  # distributed publishes no types
    """Two copies of what no task can make again, one of everything else.

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
            if task is None or task.run_spec is not None:
                continue
            copies = len(task.who_has or ())
            if 0 < copies < _wanted(scheduler):
                yield Suggestion("replicate", task)
            elif copies > REPLICAS:
                yield Suggestion("drop", task)
