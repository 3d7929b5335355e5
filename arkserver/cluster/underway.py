"""How far the tasks are that run now, and how those end that nobody waits for any more.

A command is cancelled by letting its results go: the scheduler then tells the workers to forget them. A task that waits
never starts; one that runs is told by its progress token, which the chunk loops of the kernels look at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from distributed import Reschedule, Scheduler
from distributed.worker import thread_state

from arkserver.engine import progress
from arkserver.engine.progress import Progress
from arkserver.errors import CancelledError

METRIC = "arkserver"
"""what a worker's heartbeat calls `fractions`"""

_tokens: dict[Any, Progress] = {}
"""of the tasks that run in this worker, by key"""


@contextmanager
def task(command: str) -> Iterator[None]:
    """The task that runs in this thread of a worker.

    Raises
    ------
    Reschedule
        Instead of `CancelledError`: Dask forgets such a task, or runs it again should somebody want it again.
    """
    key, token = getattr(thread_state, "key", None), Progress(command)
    _tokens[key] = token
    try:
        with progress.running(token):
            yield
    except CancelledError as e:
        raise Reschedule from e
    finally:
        if _tokens.get(key) is token:
            del _tokens[key]


def cancel(key: Any) -> None:
    """End a task at its next part; one that does not run here is none of ours."""
    token = _tokens.get(key)
    if token is not None:
        token.cancel()


def fractions() -> list[tuple[Any, float]]:
    """The tasks that run in this worker, and how much of each is done."""
    return [(key, token.fraction) for key, token in list(_tokens.items()) if key is not None]


class Finished:
    """How many of some tasks are done, with what the workers said of those that run.

    Parameters
    ----------
    scheduler : Scheduler
    keys : iterable
        Of tasks that were submitted, though perhaps not received yet.
    """

    def __init__(self, scheduler: Scheduler, keys: Iterable[Any]) -> None:
        self._scheduler = scheduler
        self._keys = tuple(keys)
        self._seen: set[Any] = set()

    def __call__(self) -> float:
        """Count; on the scheduler's loop only."""
        return sum(map(self._fraction, self._keys))

    def _fraction(self, key: Any) -> float:
        task = self._scheduler.tasks.get(key)
        if task is None:
            return float(key in self._seen)  # needed no more, or not received yet
        self._seen.add(key)
        if task.processing_on is None:
            return float(task.state in ("memory", "erred"))
        said: dict[Any, float] = dict(_received(task.processing_on))
        return said.get(key, 0.0)


def _received(worker: Any) -> Iterator[tuple[Any, float]]:
    """What a worker's last heartbeat said; tuples become lists on the way."""
    for key, fraction in worker.metrics.get(METRIC, ()):
        yield (tuple(key) if isinstance(key, list) else key), fraction
