"""How far the running command is, and the wish of somebody that it ends.

A context variable carries the token of the running command through the engine, so that no algorithm has to pass it on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from arkserver.errors import CancelledError

Watch = Callable[[], float]
"""Says how many parts of a step are done."""


class Progress:
    """The progress of one command, and a cancel flag that any thread may set.

    How many steps a command takes is not known before; how far the step is that runs now, is.
    """

    __slots__ = ("_cancelled", "_done", "_lock", "_parts", "_watches", "command", "steps")

    def __init__(self, command: str) -> None:
        self.command = command
        self.steps = 0
        """steps that have begun"""
        self._done = self._parts = 0
        self._watches: list[tuple[int, Watch]] = []
        self._lock = threading.Lock()
        self._cancelled = threading.Event()

    def begin(self, parts: int) -> None:
        """A step of `parts` parts begins in this process."""
        with self._lock:
            self.steps += 1
            self._done, self._parts = 0, parts

    def advance(self) -> None:
        """A part of the step is done."""
        with self._lock:
            self._done += 1

    def follow(self, parts: int, done: Watch) -> None:
        """A step of `parts` parts begins elsewhere, beside those that run there already."""
        with self._lock:
            self.steps += 1
            self._watches.append((parts, done))

    @property
    def fraction(self) -> float:
        """How much of the step is done, between 0 and 1; of all steps together that run elsewhere, if there are any.

        0 while nothing is known.
        """
        with self._lock:
            watches = list(self._watches)
            done, parts = float(self._done), self._parts
        if watches:
            done, parts = sum(watch() for _, watch in watches), sum(n for n, _ in watches)
        return min(1.0, done / parts) if parts else 0.0

    def cancel(self) -> None:
        """Ask the command to end at its next part; it then raises `CancelledError` and changes nothing."""
        self._cancelled.set()

    def sleep(self, seconds: float) -> None:
        """Wait, but no longer than until somebody asks the command to end; then raise `CancelledError`."""
        self._cancelled.wait(seconds)
        self.raise_if_cancelled()

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked the command to end."""
        return self._cancelled.is_set()

    def raise_if_cancelled(self) -> None:
        """Raise `CancelledError` if somebody asked the command to end."""
        if self._cancelled.is_set():
            raise CancelledError(f"{self.command} was cancelled; nothing was changed")


_current: ContextVar[Progress | None] = ContextVar("progress", default=None)
_earlier: ContextVar[str | None] = ContextVar("earlier", default=None)


def current() -> Progress | None:
    """The token of the command that runs in this context, if there is one."""
    return _current.get()


def pause(seconds: float) -> None:
    """Wait; a command ends the wait, with `CancelledError`, when somebody cancels it."""
    token = current()
    if token is not None:
        token.sleep(seconds)
    else:
        time.sleep(seconds)


def command() -> str:
    """The name of the command that work in this context belongs to: the one that runs, or an earlier one."""
    token, earlier = _current.get(), _earlier.get()
    return earlier or (token.command if token is not None else "arkserver")


@contextmanager
def running(token: Progress | None) -> Iterator[None]:
    """Make `token` the current one; None for work that must not end half way."""
    reset = _current.set(token)
    try:
        yield
    finally:
        _current.reset(reset)


@contextmanager
def on_behalf_of(earlier: str) -> Iterator[None]:
    """Work that an earlier command left to be done; it is the one that runs who waits for it and may be cancelled."""
    reset = _earlier.set(earlier)
    try:
        yield
    finally:
        _earlier.reset(reset)
