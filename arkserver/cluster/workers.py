"""Workers on this machine: processes, each with a nanny that starts it again when it dies."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from distributed import Nanny

from arkserver.cluster.worker import THREADS


@dataclass(frozen=True, slots=True)
class WorkerShape:
    """What one worker gets."""

    threads: int = 1
    """threads that its kernels run on"""
    memory: int | float = 0
    """bytes; 0 for no limit"""


class LocalWorkers:
    """Worker processes of this machine.

    Parameters
    ----------
    scheduler : str
        Address.
    shape : WorkerShape
    """

    def __init__(self, scheduler: str, shape: WorkerShape) -> None:
        self._scheduler = scheduler
        self._shape = shape
        self._nannies: list[Any] = []

    async def start(self, count: int) -> None:
        """Start `count` further workers."""
        self._nannies += await asyncio.gather(*(self._start_one() for _ in range(count)))

    async def close(self) -> None:
        """End all of them."""
        await asyncio.gather(*(n.close() for n in self._nannies))
        self._nannies.clear()

    async def _start_one(self) -> Any:
        return await Nanny(
            self._scheduler,
            nthreads=1,  # one block at a time; its kernels run on all of the worker's threads
            memory_limit=self._shape.memory or None,
            resources={THREADS: self._shape.threads},
            dashboard=False,
        )
