"""How far the running command is, and the wish of somebody that it ends.

A context variable carries the token of the running command through the engine, so that no algorithm has to pass it on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from arkserver.errors import CancelledError


class Progress:
    """The progress of one command: steps done of steps known, and a cancel flag that any thread may set."""

    __slots__ = ("_cancelled", "command", "done", "total")

    def __init__(self, command: str) -> None:
        self.command = command
        self.done = 0
        self.total = 0
        self._cancelled = threading.Event()

    def expect(self, steps: int) -> None:
        """Announce `steps` further steps."""
        self.total += steps

    def advance(self, steps: int = 1) -> None:
        """Say that `steps` steps are done."""
        self.done += steps

    @property
    def fraction(self) -> float:
        """Between 0 and 1; 0 while nothing is known."""
        return min(1.0, self.done / self.total) if self.total else 0.0

    def cancel(self) -> None:
        """Ask the command to end at its next step; it then raises `CancelledError` and changes nothing."""
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
    """The name of the command that runs in this context."""
    token = _current.get()
    return token.command if token is not None else "arkserver"


@contextmanager
def running(token: Progress) -> Iterator[Progress]:
    """Make `token` the current one."""
    reset = _current.set(token)
    try:
        yield token
    finally:
        _current.reset(reset)
