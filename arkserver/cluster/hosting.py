"""The workers of a server: which executor its engine gets, how many workers there are, what they can hold."""

from __future__ import annotations

from arkserver.cluster.executor import ClusterExecutor
from arkserver.cluster.placing import PlacingExecutor
from arkserver.cluster.scheduler import HostedScheduler
from arkserver.cluster.slurm import SlurmLauncher
from arkserver.cluster.workers import LocalLauncher, Pool
from arkserver.engine.local import LocalExecutor
from arkserver.engine.state import Engine
from arkserver.errors import MemoryLimitError
from arkserver.settings import ClusterKind, ServerSettings

LAUNCHERS: dict[ClusterKind, type[LocalLauncher | SlurmLauncher]] = {
    ClusterKind.LOCAL: LocalLauncher,
    ClusterKind.SLURM: SlurmLauncher,
}


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
        self._cluster.homes = ()  # from now on everything belongs here
        for name in self._engine.symbols.names():
            with self._engine.locks.hold((), (name,)):
                if name in self._engine.symbols:
                    self._engine.value(name)

    def _limit_memory(self) -> None:
        self._engine.accounts.limit = max(self._settings.memory_limit, self._cluster.memory)
