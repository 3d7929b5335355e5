"""The threads that work on one block: one pool a process, on the server as on a worker.

Kernels are sequential and hold no GIL; parallelism is one call a chunk on these threads. Work that runs on one of them
never waits for the others, so nesting cannot dead-lock: a nested call runs in its own thread.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from arkserver.engine import progress

R = TypeVar("R")

# Less than this many elements are not worth handing a part to a second thread.
MINIMUM_CHUNK = 1 << 15

# A part has no more elements than this, so that a command can be cancelled, and says how far it is, within it.
LONGEST_PIECE = 1 << 23

# Added to the niceness of kernel threads: with 5 they get a quarter of a core that somebody else wants, and all of one
# that nobody does.
NICER = 5

_here = threading.local()
"""``busy`` in a thread that works on rows."""


class Threads:
    """`count` threads for the chunks of a block: the calling one, and a pool of the others.

    Parameters
    ----------
    count : int
        With 1 everything runs in the calling thread.
    """

    def __init__(self, count: int) -> None:
        self.count = max(1, count)
        self._pool: ThreadPoolExecutor | None = None
        if self.count > 1:
            self._pool = ThreadPoolExecutor(self.count - 1, thread_name_prefix="kernel", initializer=be_nice)

    def run(self, fn: Callable[..., R], *columns: Iterable[Any]) -> list[R]:
        """``[fn(*row) for row in zip(*columns)]``, the rows side by side.

        The calling thread takes rows as the others do: it need not wait until one of them wakes up, nor for those that
        work for other commands. The first error is raised after all rows have ended, so that no row still writes to a
        buffer of a failed command. Between rows the running command can be cancelled, and each is a part of its
        progress.

        Raises
        ------
        CancelledError
            When the command was cancelled before a row began.
        """
        rows = list(zip(*columns, strict=True))
        token = progress.current()
        if token is not None:
            token.begin(len(rows))
        if self._pool is None or len(rows) < 2 or getattr(_here, "busy", False):
            return [_step(fn, row, token) for row in rows]
        work = _Work(fn, rows, token)
        others = [self._pool.submit(work.take_rows) for _ in range(min(self.count, len(rows)) - 1)]
        work.take_rows()
        for other in others:
            if not other.cancel():
                other.result()
        return work.results()

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
        """Cut ``range(n)`` into near-equal pieces of at least `minimum`, always at least one.

        There are at most `count`, and but one within a row of `run`, which has no other thread.
        """
        count = 1 if getattr(_here, "busy", False) else self.count
        return split(n, max(1, min(count, n // max(1, minimum))))

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


class _Work(Generic[R]):
    """Rows that several threads take, one at a time."""

    def __init__(self, fn: Callable[..., R], rows: list[tuple[Any, ...]], token: progress.Progress | None) -> None:
        self._fn, self._rows, self._token = fn, rows, token
        self._next = iter(range(len(rows)))  # `next` of it is one step under the interpreter's lock
        self._found: dict[int, R] = {}
        self._errors: dict[int, BaseException] = {}

    def take_rows(self) -> None:
        """Work until no row is left; an error does not keep the other rows from being run."""
        _here.busy = True
        try:
            for i in self._next:
                try:
                    self._found[i] = _step(self._fn, self._rows[i], self._token)
                except BaseException as e:  # noqa: BLE001 - `results` raises it
                    self._errors[i] = e
        finally:
            _here.busy = False

    def results(self) -> list[R]:
        """What the rows gave, in their order, or the error of the first that failed; asked once, when all have ended.

        A thread that works for others, or has not waked up yet, holds this object until it looks for rows: it must not
        keep the arrays of rows that are done alive until then.
        """
        found, errors, count = self._found, self._errors, len(self._rows)
        del self._fn, self._rows, self._found, self._errors
        if errors:
            raise errors[min(errors)]
        return [found[i] for i in range(count)]


def be_nice() -> None:
    """Make this thread, which runs kernels, nicer than the rest: who waits for a small answer goes first."""
    if sys.platform == "linux":  # where a thread has a priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + NICER)


def _step(fn: Callable[..., R], row: tuple[Any, ...], token: progress.Progress | None) -> R:
    if token is not None:
        token.raise_if_cancelled()
    result = fn(*row)
    if token is not None:
        token.advance()
    return result


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
