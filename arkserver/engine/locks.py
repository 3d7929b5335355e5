"""Read and write locks on symbols: commands that change an array in place have it alone, all others share it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager


class SymbolLocks:
    """Locks by name, all of a command's taken at once, so that commands cannot wait for each other in a circle.

    A waiting writer keeps later readers of the same name out, so that it cannot starve.
    """

    def __init__(self) -> None:
        self._readers: Counter[str] = Counter()
        self._writers: set[str] = set()
        self._waiting: Counter[str] = Counter()
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, read: Iterable[str], write: Iterable[str]) -> Iterator[None]:
        """Hold the names in `read` shared and those in `write` alone; waits until all can be had."""
        write = frozenset(write)
        read = frozenset(read) - write
        self._acquire(read, write)
        try:
            yield
        finally:
            self._release(read, write)

    @contextmanager
    def hold_each(self, names: Iterable[str], seconds: float) -> Iterator[Callable[[str], None]]:
        """Hold `names` shared, all at once, and let go of each when what the block is given is called with it.

        Raises
        ------
        TimeoutError
            If a command has one of them alone for longer than `seconds`.
        """
        held = set(names)
        self._acquire(frozenset(held), frozenset(), seconds)

        def release(name: str) -> None:
            held.remove(name)
            self._release(frozenset((name,)), frozenset())

        try:
            yield release
        finally:
            self._release(frozenset(held), frozenset())

    def _acquire(self, read: frozenset[str], write: frozenset[str], seconds: float | None = None) -> None:
        with self._changed:
            if not self._free(read, write, waited=False):
                self._waiting.update(write)
                came = self._changed.wait_for(lambda: self._free(read, write, waited=bool(write)), seconds)
                self._waiting.subtract(write)
                if not came:
                    raise TimeoutError(f"arrays are being changed by other commands for more than {seconds} seconds")
            self._readers.update(read)
            self._writers |= write

    def _free(self, read: frozenset[str], write: frozenset[str], *, waited: bool) -> bool:
        if any(n in self._writers for n in read | write) or any(self._readers[n] for n in write):
            return False
        # A writer that waits itself does not step back before other waiting writers: one of them must go first.
        return waited or not any(self._waiting[n] for n in read | write)

    def _release(self, read: frozenset[str], write: frozenset[str]) -> None:
        with self._changed:
            self._readers.subtract(read)
            self._readers += Counter()
            self._writers -= write
            self._waiting += Counter()
            self._changed.notify_all()
