"""The threads that work on one block: one pool a process, on the server as on a worker.

Kernels are sequential and hold no GIL; parallelism is one call a chunk on these threads. Work that runs on a pool
thread never waits for the pool again, so nesting cannot dead-lock: a nested call runs in its own thread.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from arkserver.engine import progress

P = ParamSpec("P")
R = TypeVar("R")

# Less than this many elements are not worth handing a part to a second thread.
MINIMUM_CHUNK = 1 << 15

# A part has no more elements than this, so that a command can be cancelled, and says how far it is, within it.
LONGEST_PIECE = 1 << 23

# Added to the niceness of kernel threads: with 5 they get a quarter of a core that somebody else wants, and all of one
# that nobody does.
NICER = 5

_on_pool_thread = threading.local()


class Threads:
    """A pool of `count` threads for the chunks of a block.

    Parameters
    ----------
    count : int
        With 1 everything runs in the calling thread.
    """

    def __init__(self, count: int) -> None:
        self.count = max(1, count)
        self._pool: ThreadPoolExecutor | None = None
        if self.count > 1:
            self._pool = ThreadPoolExecutor(self.count, thread_name_prefix="kernel", initializer=_enter_thread)

    def run(self, fn: Callable[..., R], *columns: Iterable[Any]) -> list[R]:
        """``[fn(*row) for row in zip(*columns)]``, the rows side by side.

        The first error is raised after all rows have ended, so that no row still writes to a buffer of a failed
        command. Between rows the running command can be cancelled, and each is a part of its progress.

        Raises
        ------
        CancelledError
            When the command was cancelled before a row began.
        """
        rows = list(zip(*columns, strict=True))
        token = progress.current()
        if token is not None:
            token.begin(len(rows))
        if self._pool is None or len(rows) < 2 or getattr(_on_pool_thread, "marked", False):
            return [_step(fn, row, token) for row in rows]
        futures = [self._pool.submit(_step, fn, row, token) for row in rows]
        return _results(futures)

    def each_chunk(self, fn: Callable[[int, int], R], n: int, minimum: int = MINIMUM_CHUNK) -> list[R]:
        """``fn(start, stop)`` for the `pieces` of ``range(n)``, side by side; results in order."""
        return self._each(fn, self.pieces(n, minimum))

    def each_share(self, fn: Callable[[int, int], R], n: int, minimum: int = MINIMUM_CHUNK) -> list[R]:
        """`each_chunk` for a function that holds much for each call: no more calls than threads."""
        return self._each(fn, self.chunks(n, minimum))

    def _each(self, fn: Callable[[int, int], R], pieces: list[tuple[int, int]]) -> list[R]:
        return self.run(fn, [a for a, _ in pieces], [b for _, b in pieces])

    def pieces(self, n: int, minimum: int = MINIMUM_CHUNK) -> list[tuple[int, int]]:
        """`chunks`, each cut further until none is longer than `LONGEST_PIECE`."""
        count = len(self.chunks(n, minimum))
        return split(n, count * max(1, -(-n // (count * max(minimum, LONGEST_PIECE)))))

    def chunks(self, n: int, minimum: int = MINIMUM_CHUNK) -> list[tuple[int, int]]:
        """Cut ``range(n)`` into at most `count` near-equal pieces of at least `minimum`; always at least one piece."""
        return split(n, max(1, min(self.count, n // max(1, minimum))))

    def close(self) -> None:
        """Let the pool's threads end; running rows finish first."""
        if self._pool is not None:
            self._pool.shutdown()


def split(n: int, parts: int) -> list[tuple[int, int]]:
    """Cut ``range(n)`` into `parts` near-equal pieces, the longer ones first (some empty when ``n < parts``)."""
    return list(_pieces(n, parts))


def _pieces(n: int, parts: int) -> Iterator[tuple[int, int]]:
    size, longer = divmod(n, parts)
    start = 0
    for i in range(parts):
        stop = start + size + (i < longer)
        yield start, stop
        start = stop


def _enter_thread() -> None:
    """A kernel thread is nicer than the rest of the process: who waits for a small answer goes first."""
    _on_pool_thread.marked = True
    if sys.platform == "linux":  # where a thread has a priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + NICER)


def _step(fn: Callable[..., R], row: tuple[Any, ...], token: progress.Progress | None) -> R:
    if token is not None:
        token.raise_if_cancelled()
    result = fn(*row)
    if token is not None:
        token.advance()
    return result


def _results(futures: list[Future[R]]) -> list[R]:
    errors = [e for f in futures if (e := f.exception()) is not None]
    if errors:
        raise errors[0]
    return [f.result() for f in futures]


def available_cores() -> int:
    """Cores that this process may run on (its affinity, not the machine's)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


_threads: Threads | None = None
_lock = threading.Lock()


def threads() -> Threads:
    """The pool of this process; as many threads as cores unless `configure` said otherwise."""
    global _threads
    if _threads is None:
        with _lock:
            if _threads is None:
                _threads = Threads(available_cores())
    return _threads


def configure(count: int) -> None:
    """Replace the pool of this process by one of `count` threads (0: one a core)."""
    global _threads
    with _lock:
        old, _threads = _threads, Threads(count or available_cores())
    if old is not None:
        old.close()
