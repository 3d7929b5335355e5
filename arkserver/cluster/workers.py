"""Launchers of workers, and the pool that keeps as many as were asked for."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shlex
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import structlog
from distributed import Nanny
from distributed.security import Security

from arkserver.cluster import tls
from arkserver.cluster.cluster import Cluster
from arkserver.cluster.worker import THREADS
from arkserver.errors import ConfigurationError
from arkserver.settings import WorkerSettings

log = structlog.get_logger("workers")

# A worker that left gets this long to come back (its nanny starts it again) before its place is given to another.
AWAY_SECONDS = 20.0
LOOK_SECONDS = 1.0


class Launcher(ABC):
    """Starts and ends workers by name."""

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
        """Start a process."""
        self._nannies[name] = await start_worker(self._scheduler, name, self._settings, self._memory)

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


class SlurmLauncher(Launcher):
    """A Slurm job for each worker."""

    def __init__(self, scheduler: str, settings: WorkerSettings, memory: int) -> None:
        try:
            from dask_jobqueue.slurm import SLURMJob
        except ModuleNotFoundError:
            raise ConfigurationError(
                "--cluster slurm: install dask-jobqueue (pip install arkserver-eda[slurm])"
            ) from None
        self._make: Any = SLURMJob
        self._scheduler, self._settings, self._memory = scheduler, settings, memory
        self._jobs: dict[str, Any] = {}

    async def launch(self, name: str) -> None:
        """Submit a job."""
        self._jobs[name] = job = self.job(name)
        await job.start()
        log.info("submitted", worker=name, job=job.job_id)

    async def end(self, name: str) -> None:
        """Cancel the job."""
        await self._jobs.pop(name).close()

    def job(self, name: str) -> Any:
        """The job of a worker, not submitted."""
        settings = self._settings
        folder = settings.tls_folder
        return self._make(
            scheduler=self._scheduler,
            name=name,
            job_name=name,
            queue=settings.slurm_partition or None,
            account=settings.slurm_account or None,
            walltime=settings.slurm_walltime,
            cores=settings.worker_threads,
            processes=1,
            memory=f"{self._memory}B",
            job_extra_directives=_parts(settings.slurm_directives),
            job_script_prologue=_parts(settings.slurm_setup),
            worker_command="arkserver.cli worker",
            worker_extra_args=["--tls-folder", shlex.quote(str(folder.resolve()))] if folder else [],
            death_timeout=settings.join_seconds,
            log_directory=str(settings.slurm_logs) if settings.slurm_logs else None,
        )


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


LAUNCHERS: dict[str, type[LocalLauncher | SlurmLauncher]] = {"local": LocalLauncher, "slurm": SlurmLauncher}


@dataclass
class Place:
    """One worker of a pool."""

    name: str
    joined: bool = False
    """whether it was ever there"""
    seen: float = 0.0
    """when it was last there, of ``time.monotonic``"""


class Pool:
    """As many workers as were asked for: started, replaced when they do not come back, ended.

    Parameters
    ----------
    cluster : Cluster
    launcher : Launcher
    """

    def __init__(self, cluster: Cluster, launcher: Launcher) -> None:
        self._cluster = cluster
        self._launcher = launcher
        self._places: list[Place] = []
        self._numbers = itertools.count()
        self._changing = asyncio.Lock()
        self._watch = asyncio.get_running_loop().create_task(self._replace_forever())

    async def scale(self, count: int) -> None:
        """Have `count` workers; those that leave hand their blocks to the others first."""
        async with self._changing:
            leaving, self._places = self._places[count:], self._places[:count]
            await self._cluster.retire([p.name for p in leaving])
            await asyncio.gather(*(self._launcher.end(p.name) for p in leaving))
            await asyncio.gather(*(self._add() for _ in range(count - len(self._places))))

    async def close(self) -> None:
        """End all workers."""
        self._watch.cancel()
        async with self._changing:
            await asyncio.gather(*(self._launcher.end(p.name) for p in self._places))
            self._places.clear()

    async def _add(self) -> None:
        place = Place(f"arkserver-{next(self._numbers)}")
        self._places.append(place)
        await self._launcher.launch(place.name)

    async def _replace_forever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            async with self._changing:
                for place in self._gone():
                    log.warning("a worker did not come back and is replaced", worker=place.name)
                    self._places.remove(place)
                    with contextlib.suppress(OSError, RuntimeError):  # its job may have ended by itself
                        await self._launcher.end(place.name)
                    await self._add()

    def _gone(self) -> list[Place]:
        now, there = time.monotonic(), self._cluster.names()
        for place in self._places:
            if place.name in there:
                place.joined, place.seen = True, now
        return [p for p in self._places if p.joined and now - p.seen > AWAY_SECONDS]
