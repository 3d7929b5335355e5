"""Folders for what a process needs while it lives: gone at its end, and after a kill at the next start of another."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

PREFIX = "arkserver-scratch-"
LOCK = "lock"
"""held by the owner as long as it lives, on whatever machine"""


class Scratch:
    """A new folder of this process, in `parent` or among the system's temporary files."""

    def __init__(self, parent: Path | None = None) -> None:
        place = Path(parent or tempfile.gettempdir())
        _sweep(place)
        self._folder = tempfile.TemporaryDirectory(prefix=PREFIX, dir=place, ignore_cleanup_errors=True)
        self.path = Path(self._folder.name)
        self._lock = (self.path / f"{LOCK}.new").open("w")
        with suppress(OSError):  # a file system without locks: nobody will sweep it
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            (self.path / f"{LOCK}.new").rename(self.path / LOCK)  # locked from the moment at which others see it

    def close(self) -> None:
        """Remove it."""
        self._folder.cleanup()
        self._lock.close()


def _sweep(place: Path) -> None:
    """Remove the folders whose owners were killed."""
    for lock in place.glob(f"{PREFIX}*/{LOCK}"):
        with suppress(OSError), lock.open("r+") as file:  # it lives, or is another user's
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
