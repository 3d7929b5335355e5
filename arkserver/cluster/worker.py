"""What a Dask worker needs to be one of ours."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from collections.abc import Callable
from typing import Any

from arkserver_kernels import warmup
from distributed import Worker, WorkerPlugin
from distributed.utils import offload

from arkserver.cluster import asking, underway, vault
from arkserver.engine import buffers, threads

THREADS = "threads"
"""the resource by which a worker says how many threads its kernels use"""

# Seconds that messages wait for others to travel with; Dask's own 2 to 10 ms are most of a small task's time.
NO_WAIT = 0.0
# A worker that has more than this share of its memory keeps no freed buffers; above 0.5 blocks are written to its disk.
RELEASE_SHARE = 0.4
# Pieces of exchanges that wait to be sent take at most this share of the memory, and so do those to be written.
EXCHANGE_SHARE = 1 / 16


class WorkerSetup(WorkerPlugin):  # type: ignore[misc]  # distributed publishes no types
    """Runs in each worker when it joins."""

    name = "arkserver"

    def setup(self, worker: Worker) -> None:
        """Set the threads of kernels, and answer the scheduler at once."""
        worker.batched_stream.interval = NO_WAIT
        threads.configure(int(worker.state.total_resources.get(THREADS, worker.state.nthreads)))
        logging.getLogger("distributed.worker").addFilter(_not_an_answer)
        with contextlib.suppress(ValueError):  # in a thread, as tests run it
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # a job's signal for a checkpoint goes to all its processes
        if limit := worker.memory_manager.memory_limit:
            worker.monitor.get_process_memory = _Memory(worker.monitor.get_process_memory, limit)
            _limit_exchanges(worker, limit)
        threading.Thread(target=warmup.prepare, name="kernels", daemon=True).start()
        self._worker, self._answers = worker, asking.Answers(worker)
        worker.handlers["arkserver_keep"] = self.keep
        worker.metrics[underway.METRIC] = lambda _: underway.fractions()

    def transition(self, key: Any, start: str, finish: str, **_: Any) -> None:
        """A task that runs and is wanted no more is told so; who waits for a block hears of it."""
        self._answers.changed(key)
        if start == "executing" and finish == "released":
            underway.cancel(key)

    async def keep(self, old: Any, new: Any, path: str) -> tuple[int, bool]:
        """Give contents that the worker holds another key and a file; their size in bytes, whether there is a file."""
        content = self._worker.data[old]
        written = await offload(vault.write, path, content)
        found = self._worker.update_data({new: content})
        return int(found["nbytes"][new]), written


def _limit_exchanges(worker: Worker, memory: int) -> None:
    """Have pieces that wait to be sent, or to be written to disk, take a share of a small worker's memory at most."""
    plugin = worker.extensions["shuffle"]
    for limiter in (plugin.memory_limiter_comms, plugin.memory_limiter_disk):
        limiter.limit = min(limiter.limit, int(EXCHANGE_SHARE * memory))


class _Memory:
    """The bytes of this process, without those that the pool of buffers keeps for later.

    Dask writes blocks to the disk until this falls; what the pool keeps would have it write them all, and then stop.

    Parameters
    ----------
    measure : callable
        Gives the bytes, kept ones included.
    limit : int
        Of the worker.
    """

    def __init__(self, measure: Callable[[], int], limit: int) -> None:
        self._measure, self._enough = measure, RELEASE_SHARE * limit

    def __call__(self) -> int:
        found = self._measure()
        if found <= self._enough:
            return found
        buffers.release()
        return self._measure()


def _not_an_answer(record: logging.LogRecord) -> bool:
    """Errors of tasks are answers to clients, which the server logs; they do not belong into a worker's log."""
    return not record.getMessage().startswith("Compute Failed")
