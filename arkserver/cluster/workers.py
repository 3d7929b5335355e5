"""Launchers of workers, and the pool that keeps as many as were asked for."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import structlog
from distributed import Nanny
from distributed.security import Security

from arkserver.cluster import tls
from arkserver.cluster.cluster import Cluster
from arkserver.cluster.worker import THREADS
from arkserver.errors import WorkerLostError
from arkserver.settings import WorkerSettings

log = structlog.get_logger("workers")

# A worker that left gets this long to come back (its nanny starts it again) before its place is given to another.
AWAY_SECONDS = 20.0
LOOK_SECONDS = 1.0


class Launcher(ABC):
    """Starts and ends workers by name."""

    patience: float = 0.0
    """seconds that a worker which has to leave waits for its replacement"""

    @abstractmethod
    async def launch(self, name: str) -> None:
        """Have a worker started; it joins when it is ready."""

    @abstractmethod
    async def end(self, name: str) -> None:
        """End a worker, or the attempt to start it."""


class LocalLauncher(Launcher):
    """Processes of this machine, each with a nanny that starts it again when it dies."""

    def __init__(self, scheduler: str, settings: WorkerSettings, memory: int) -> None:
        self._scheduler, self._settings, self._memory = scheduler, settings, memory
        self._nannies: dict[str, Any] = {}

    async def launch(self, name: str) -> None:
        """Start a process.

        Raises
        ------
        WorkerLostError
            When it ends before it has joined.
        """
        try:
            self._nannies[name] = await start_worker(self._scheduler, name, self._settings, self._memory)
        except RuntimeError as e:
            raise WorkerLostError(f"the process of {name} ended while it started: {e.__cause__ or e}") from None

    async def end(self, name: str) -> None:
        """End the process."""
        await self._nannies.pop(name).close()


async def start_worker(scheduler: str, name: str | None, settings: WorkerSettings, memory: int, **more: Any) -> Any:
    """A worker process with a nanny in this one; returns when it has joined."""
    return await Nanny(
        scheduler,
        name=name,
        nthreads=1,  # one block at a time; its kernels run on all of the worker's threads
        memory_limit=memory or None,
        resources={THREADS: settings.worker_threads},
        security=tls.security(settings.tls_folder) or Security(),
        dashboard=False,
        **more,
    )


@dataclass
class Place:
    """One worker of a pool."""

    name: str
    joined: bool = False
    """whether it was ever there"""
    seen: float = 0.0
    """when it was last there, of ``time.monotonic``"""


class Pool:
    """As many workers as were asked for: started, replaced when they leave or do not come back, ended.

    Parameters
    ----------
    cluster : Cluster
    launcher : Launcher
    """

    def __init__(self, cluster: Cluster, launcher: Launcher) -> None:
        self._cluster = cluster
        self._launcher = launcher
        self._places: list[Place] = []
        self._leaving: list[Place] = []
        self._numbers = itertools.count()
        self._changing = asyncio.Lock()
        self._watch = asyncio.get_running_loop().create_task(self._watch_forever())
        cluster.scheduler.handlers["arkserver_leave"] = self.leave

    async def scale(self, count: int) -> None:
        """Have `count` workers; those that leave hand their blocks to the others first.

        Raises
        ------
        WorkerLostError
            When a worker cannot be started.
        """
        async with self._changing:
            leaving, self._places = self._places[count:], self._places[:count]
            self._cluster.ended.update(p.name for p in leaving)
            await self._cluster.retire([p.name for p in leaving])
            await self._end(leaving)
            await asyncio.gather(*(self._add() for _ in range(count - len(self._places))))

    async def leave(self, address: str) -> None:
        """Have the worker at `address` hand its blocks over; called by a worker that has to end.

        One of this pool is replaced first: when all have to leave at once, as jobs that started together do, there is
        nobody else to take the blocks.
        """
        name = self._cluster.name_of(address)
        async with self._changing:
            found = [p for p in self._places if p.name == name]
            self._cluster.ended.update(p.name for p in found)
            replacements = [place for p in found if (place := await self._replaced(p))]
        for _ in range(int(self._launcher.patience / LOOK_SECONDS)):
            if {p.name for p in replacements} <= self._cluster.names():
                break
            await asyncio.sleep(LOOK_SECONDS)
        await self._cluster.retire([name])
        if self._places:
            self._cluster.expect()

    async def close(self) -> None:
        """End all workers."""
        self._watch.cancel()
        async with self._changing:
            await self._end(self._places + self._leaving)
            self._places, self._leaving = [], []

    async def _end(self, places: Iterable[Place]) -> None:
        await asyncio.gather(*(self._launcher.end(p.name) for p in places))

    async def _add(self) -> Place:
        place = Place(f"arkserver-{next(self._numbers)}")
        await self._launcher.launch(place.name)
        self._places.append(place)
        return place

    async def _replaced(self, place: Place) -> Place | None:
        """Start another worker for this place; None when that fails, which is tried again later."""
        try:
            new = await self._add()
        except (WorkerLostError, OSError) as e:
            log.warning("a worker cannot be replaced", worker=place.name, reason=str(e))
            place.seen = time.monotonic()
            return None
        log.info("replaced", worker=place.name, by=new.name)
        self._places.remove(place)
        self._leaving.append(place)
        return new

    async def _watch_forever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            async with self._changing:
                for place in self._gone():
                    log.warning("a worker did not come back and is replaced", worker=place.name)
                    await self._replaced(place)
                there = self._cluster.names()
                left = [p for p in self._leaving if p.name not in there]
                self._leaving = [p for p in self._leaving if p.name in there]
                with contextlib.suppress(OSError, RuntimeError):  # it may have ended by itself
                    await self._end(left)

    def _gone(self) -> list[Place]:
        now, there = time.monotonic(), self._cluster.names()
        for place in self._places:
            if place.name in there:
                place.joined, place.seen = True, now
        return [p for p in self._places if p.joined and now - p.seen > AWAY_SECONDS]
