"""The memory accounts: what the live values hold, what running commands have reserved, and the limit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from arkserver.engine import buffers
from arkserver.errors import MemoryLimitError

# A smaller reservation cannot take the process over the limit by what the pool keeps.
LARGE = 1 << 26


class MemoryAccounts:
    """Counts bytes against a limit; safe to use from several threads.

    Parameters
    ----------
    limit : int
        Bytes that values and running commands may take together.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._live = 0
        self._reserved = 0
        self._lock = threading.RLock()  # memory that is freed meanwhile may be counted on the same thread

    @property
    def live(self) -> int:
        """Bytes of all values in the symbol table, exactly."""
        return self._live

    @property
    def reserved(self) -> int:
        """Bytes that the running commands may still allocate by their projection."""
        return self._reserved

    @property
    def available(self) -> int:
        """Bytes left under the limit."""
        return max(0, self.limit - self._live - self._reserved)

    def add(self, nbytes: int) -> None:
        """A value of `nbytes` came (or, negative, went)."""
        with self._lock:
            self._live += nbytes

    @contextmanager
    def reserve(self, command: str, nbytes: int) -> Iterator[None]:
        """Hold `nbytes` for a running command.

        Raises
        ------
        MemoryLimitError
            If they do not fit; nothing is held then.
        """
        with self._lock:
            taken = self._live + self._reserved
            if taken + nbytes > self.limit:
                raise MemoryLimitError(_refusal(command, nbytes, taken, self.limit))
            self._reserved += nbytes
        try:
            if nbytes >= LARGE and psutil.Process().memory_info().rss + nbytes > self.limit:
                buffers.release()  # freed pages that the pool keeps, and perhaps cannot use for this
            yield
        finally:
            with self._lock:
                self._reserved -= nbytes


def _refusal(command: str, nbytes: int, taken: int, limit: int) -> str:
    percent = 100 * (taken + nbytes) / max(limit, 1)
    return (
        f"{command} requiring {nbytes} bytes of memory exceeds {limit} limit with projected pct memory used of "
        f"{percent:.0f}%: {taken} bytes are in use; delete arrays or start the server with a larger --memory-limit"
    )
