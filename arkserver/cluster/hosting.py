"""The workers of a server: which executor its engine gets, how many workers there are, what they can hold."""

from __future__ import annotations

import time

from arkserver.cluster.executor import ClusterExecutor
from arkserver.cluster.placing import PlacingExecutor
from arkserver.cluster.scheduler import HostedScheduler
from arkserver.cluster.slurm import SlurmLauncher
from arkserver.cluster.workers import LocalLauncher, Pool
from arkserver.engine import progress
from arkserver.engine.local import LocalExecutor
from arkserver.engine.state import Engine
from arkserver.errors import ArkserverError, CancelledError, MemoryLimitError, WorkerLostError
from arkserver.settings import ClusterKind, ServerSettings

LAUNCHERS: dict[ClusterKind, type[LocalLauncher | SlurmLauncher]] = {
    ClusterKind.LOCAL: LocalLauncher,
    ClusterKind.SLURM: SlurmLauncher,
}

# When all workers are to leave, commands that run on them get this long to end.
LEAVE_SECONDS = 120.0
LOOK_SECONDS = 0.05


class Workers:
    """Ties the workers of a scheduler to an engine.

    Parameters
    ----------
    scheduler : HostedScheduler
        Runs in the current loop.
    settings : ServerSettings
    engine : Engine
        Gets an executor that places arrays by size, and a memory limit that follows the workers.
    """

    def __init__(self, scheduler: HostedScheduler, settings: ServerSettings, engine: Engine) -> None:
        self._cluster = scheduler.cluster
        self._settings = settings
        self._engine = engine
        memory = settings.worker_memory or settings.memory_limit // max(1, settings.workers)
        self._pool = Pool(self._cluster, LAUNCHERS[settings.cluster](scheduler.address, settings, memory))
        remote = ClusterExecutor(self._cluster)
        engine.executor = PlacingExecutor(LocalExecutor(settings.blocks), remote, settings.distribute_from)
        self._cluster.changed = self._limit_memory

    async def start(self) -> None:
        """Start the workers that the settings ask for.

        Raises
        ------
        WorkerLostError
            When they do not join in time.
        """
        if self._settings.workers:
            await self._pool.scale(self._settings.workers)
            await self._cluster.wait_for_workers(self._settings.workers, self._settings.join_seconds)

    async def close(self) -> None:
        """End the workers."""
        await self._pool.close()

    def scale(self, count: int) -> None:
        """Have `count` workers; with 0 all arrays come to the server. Called from a command's thread.

        Raises
        ------
        MemoryLimitError
            When the arrays do not fit into the server; nothing is changed then.
        WorkerLostError
            When commands do not let the workers go in time.
        """
        if count == 0:
            self._bring_home()
        self._cluster.on_loop(self._pool.scale(count)).result()

    def _bring_home(self) -> None:
        accounts = self._engine.accounts
        if accounts.live > self._settings.memory_limit:
            raise MemoryLimitError(
                f"{accounts.live} bytes are in use and the server alone may hold {self._settings.memory_limit}; "
                "delete arrays, or keep a worker"
            )
        self._cluster.dismiss()  # from now on everything belongs here
        try:
            self._wait_for_blocks()
        except BaseException:
            self._cluster.recall()
            raise

    def _wait_for_blocks(self) -> None:
        """Bring blocks here until none is left, running commands' included, whose results are not in the table yet."""
        end = time.monotonic() + LEAVE_SECONDS
        while self._cluster.holds_blocks():
            if time.monotonic() > end:
                raise WorkerLostError("commands that run still use the workers; try again when they are done")
            for name in self._engine.symbols.names():
                self._look_up(name)
            progress.pause(LOOK_SECONDS)

    def _look_up(self, name: str) -> None:
        """Look a symbol up, which brings it here, unless it is the result of something that failed."""
        try:
            with self._engine.locks.hold((), (name,)):
                self._engine.value(name)
        except CancelledError:
            raise
        except ArkserverError:
            return  # there are no contents; what failed is said when the array is used

    def _limit_memory(self) -> None:
        spilled = int(self._cluster.memory * self._settings.spill_factor)
        self._engine.accounts.limit = max(self._settings.memory_limit, spilled)
