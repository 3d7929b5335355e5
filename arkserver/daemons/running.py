"""The commands that run now: who asked, since when, how far; and a way to end one."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from arkserver.engine.progress import Progress


@dataclass(frozen=True, slots=True)
class Running:
    """One command under way."""

    number: int
    command: str
    user: str
    started: float
    """of ``time.monotonic``"""
    progress: Progress
    id: str
    """the client's own name for it; empty when it gave none"""


class RunningCommands:
    """Commands by number; changed on the event loop only."""

    def __init__(self) -> None:
        self._running: dict[int, Running] = {}
        self._numbers = itertools.count(1)
        self._last_end = time.monotonic()

    def __len__(self) -> int:
        return len(self._running)

    def begin(self, command: str, user: str, id: str = "") -> Running:  # noqa: A002 - the envelope's word
        """A command starts."""
        item = Running(next(self._numbers), command, user, time.monotonic(), Progress(command), id)
        self._running[item.number] = item
        return item

    def end(self, item: Running) -> None:
        """It has ended."""
        del self._running[item.number]
        self._last_end = time.monotonic()

    def idle_seconds(self) -> float:
        """For how long no command has been running; 0 while one is."""
        return 0.0 if self._running else time.monotonic() - self._last_end

    def cancel(self, number: int) -> bool:
        """Ask a command to end; False if no such command runs."""
        item = self._running.get(number)
        if item is not None:
            item.progress.cancel()
        return item is not None

    def cancel_all(self) -> None:
        """Ask all of them to end."""
        for item in self._running.values():
            item.progress.cancel()

    def describe(self) -> list[Mapping[str, Any]]:
        """Facts about each, the oldest first."""
        now = time.monotonic()
        return [
            {
                "number": r.number,
                "command": r.command,
                "user": r.user,
                "id": r.id,
                "seconds": round(now - r.started, 3),
                "step": r.progress.steps,
                "fraction": round(r.progress.fraction, 3),
            }
            for r in list(self._running.values())
        ]
