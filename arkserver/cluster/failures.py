"""Errors of tasks and of workers, as arkserver's errors."""

from __future__ import annotations

import copy
from collections.abc import Iterable

from distributed import Future, Scheduler
from distributed.client import FutureCancelledError
from distributed.scheduler import KilledWorker

from arkserver.engine import progress
from arkserver.errors import ArkserverError, WorkerLostError


def raise_if_lost(futures: Iterable[Future], scheduler: Scheduler) -> None:
    """Raise `WorkerLostError` when a future can never be ready.

    Dask keeps a client waiting for a result whose only copy went with its worker and that cannot be computed again.
    """
    lost = [f.key for f in futures if f.status == "lost" and f.key not in scheduler.tasks]
    if lost:
        raise WorkerLostError(_gone(f"{len(lost)} blocks"))


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
    return _attributed(error)


def _gone(what: str) -> str:
    return f"{what} of an operand were lost with a worker and cannot be computed again; load the data again"


def _attributed(error: Exception) -> Exception:
    """An error of an earlier command, met by this one, says so."""
    token = progress.current()
    command = getattr(error, "command", None)
    if token is None or command in (None, token.command) or not isinstance(error, ArkserverError):
        return copy.copy(error)
    return type(error)(f"an operand is the result of {command}, which failed: {error}")
