"""Errors of tasks and of workers, as arkserver's errors."""

from __future__ import annotations

import copy
import errno
from collections.abc import Iterable

from distributed import Future, Scheduler
from distributed.client import FutureCancelledError
from distributed.scheduler import KilledWorker
from distributed.shuffle._exceptions import P2POutOfDiskError

from arkserver.engine import progress
from arkserver.errors import ArkserverError, MemoryLimitError, StorageError, WorkerLostError


def raise_if_lost(futures: Iterable[Future], scheduler: Scheduler) -> None:
    """Raise `WorkerLostError` when a future can never be ready.

    Dask keeps a client waiting for a result whose only copy went with its worker and that cannot be computed again.
    """
    lost = [f.key for f in futures if f.status == "lost" and f.key not in scheduler.tasks]
    if lost:
        raise WorkerLostError(_gone(f"{len(lost)} blocks"))


def was_killed(future: Future) -> bool:
    """Whether a result is missing because its workers ended each time."""
    return future.status == "error" and isinstance(future._state.exception, KilledWorker)


def translated(error: Exception) -> Exception:
    """The error that a command raises for what came from a worker.

    Always another object: Dask's client keeps the one that it got as long as somebody holds the failed result, and the
    trace of an error that was raised here holds everything that the command held.
    """
    error.__traceback__ = None
    if isinstance(error, KilledWorker):
        return WorkerLostError(
            f"the workers that ran this step ended {error.allowed_failures + 1} times in a row, the last one at "
            f"{error.last_worker}; most likely their memory is too small: see their logs"
        )
    if isinstance(error, FutureCancelledError):
        return WorkerLostError(_gone("blocks"))
    return _attributed(_known(error))


def _known(error: Exception) -> Exception:
    """What a worker's machine could not give, as arkserver's errors."""
    known: Exception = error
    if isinstance(error, P2POutOfDiskError) or getattr(error, "errno", None) == errno.ENOSPC:
        known = StorageError("a worker's disk is full; make room in its folder for temporary files, or add workers")
    elif isinstance(error, MemoryError) and not isinstance(error, ArkserverError):
        known = MemoryLimitError(f"a worker ran out of memory ({error}); give workers more memory, or add workers")
    known.__dict__.update(error.__dict__)
    return known


def _gone(what: str) -> str:
    return f"{what} of an operand were lost with a worker and cannot be computed again; load the data again"


def _attributed(error: Exception) -> Exception:
    """An error of an earlier command, met by this one, says so."""
    token = progress.current()
    command = getattr(error, "command", None)
    if token is None or command in (None, token.command) or not isinstance(error, ArkserverError):
        return copy.copy(error)
    return type(error)(f"an operand is the result of {command}, which failed: {error}")
