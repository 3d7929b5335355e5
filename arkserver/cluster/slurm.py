"""Workers as jobs of Slurm."""

from __future__ import annotations

import shlex
import sys
from typing import Any

import structlog

from arkserver.cluster.workers import Launcher
from arkserver.errors import ConfigurationError, WorkerLostError
from arkserver.settings import WorkerSettings

log = structlog.get_logger("slurm")

# A worker whose server is gone ends its job after so long.
ALONE_SECONDS = 120.0


class SlurmLauncher(Launcher):
    """A Slurm job for each worker.

    Some time before its limit a job is told to end (``--signal``); its worker asks the server for a replacement and
    hands its blocks over.

    Parameters
    ----------
    scheduler : str
        Address.
    settings : WorkerSettings
    memory : int
        Bytes of one worker.

    Raises
    ------
    ConfigurationError
        When dask-jobqueue is not installed, or a job would have to leave as soon as it starts.
    """

    def __init__(self, scheduler: str, settings: WorkerSettings, memory: int) -> None:
        try:
            from dask_jobqueue.slurm import SLURMJob
        except ModuleNotFoundError:
            raise ConfigurationError(
                "--cluster slurm: install dask-jobqueue (pip install arkserver-eda[slurm])"
            ) from None
        limit = seconds_of(settings.slurm_walltime)
        if limit <= settings.slurm_leave:
            raise ConfigurationError(
                f"--slurm-leave: {settings.slurm_leave} seconds before the end of {settings.slurm_walltime} "
                f"({limit} seconds) a job would leave as soon as it starts; choose a smaller value"
            )
        self._make: Any = SLURMJob
        self._scheduler, self._settings, self._memory = scheduler, settings, memory
        self._jobs: dict[str, Any] = {}
        # What is left is for the blocks.
        self.patience = settings.slurm_leave / 2

    async def launch(self, name: str) -> None:
        """Submit a job.

        Raises
        ------
        WorkerLostError
            When Slurm does not take it.
        """
        job = self.job(name)
        try:
            await job.start()
        except FileNotFoundError:
            raise WorkerLostError("--cluster slurm: there is no sbatch on this machine") from None
        except RuntimeError as e:
            raise WorkerLostError(f"Slurm did not take the job of {name}: {_said(e)}") from None
        self._jobs[name] = job
        log.info("submitted", worker=name, job=job.job_id)

    async def end(self, name: str) -> None:
        """Cancel the job."""
        await self._jobs.pop(name).close()

    def job(self, name: str) -> Any:
        """The job of a worker, not submitted."""
        settings = self._settings
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
            # The signal is for the batch script alone, which becomes the worker's nanny: a worker process that got
            # it too would end with all its blocks.
            job_extra_directives=[f"--signal=B:TERM@{settings.slurm_leave}", *_parts(settings.slurm_directives)],
            job_script_prologue=_parts(settings.slurm_setup),
            python=f"exec {shlex.quote(sys.executable)}",
            worker_command="arkserver.cli worker",
            worker_extra_args=self._more(),
            death_timeout=min(settings.join_seconds, ALONE_SECONDS),
            log_directory=str(settings.slurm_logs) if settings.slurm_logs else None,
        )

    def _more(self) -> list[str]:
        folder = self._settings.tls_folder
        leave = ["--leave-seconds", str(self._settings.slurm_leave)]
        return [*leave, *(["--tls-folder", shlex.quote(str(folder.resolve()))] if folder else [])]


def seconds_of(limit: str) -> int:
    """The seconds of a time limit as Slurm writes it: minutes, m:s, h:m:s, d-h, d-h:m, d-h:m:s.

    Raises
    ------
    ConfigurationError
        For any other text.
    """
    days, dash, rest = limit.rpartition("-")
    try:
        parts = [int(part) for part in rest.split(":")]
        if dash:
            hours, minutes, seconds = [*parts, 0, 0][:3]
        else:
            hours, minutes, seconds = [[0, *parts, 0], [0, *parts], parts][len(parts) - 1]
        return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds
    except (ValueError, IndexError):
        raise ConfigurationError(f"--slurm-walltime: {limit} is no time limit; write for example 02:00:00") from None


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


def _said(error: RuntimeError) -> str:
    """What sbatch wrote, of dask-jobqueue's many lines."""
    return str(error).partition("stderr:\n")[2].strip() or str(error)
