"""The checkpoints that the server makes of itself: by the clock, when it is idle, on a signal, at the end."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from arkserver.daemons.metrics import Figures
from arkserver.engine.checkpoint import folders, restoring, saving
from arkserver.engine.checkpoint.folders import Mode
from arkserver.engine.checkpoint.manifest import Manifest
from arkserver.engine.state import Engine
from arkserver.errors import ConfigurationError, MemoryLimitError, StorageError
from arkserver.settings import CheckpointSettings

log = structlog.get_logger("checkpoint")

PREFIX = "checkpoint-"
# The conditions are looked at this often, or more often when the settings ask for shorter times.
LOOK_SECONDS = 1.0
# At the end all commands are over or cancelled; what still changes an array is not waited for longer than this.
END_LOCK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class CheckpointStatus:
    """What is known about the server's own checkpoints."""

    saved: int = 0
    """how many were written"""
    failed: int = 0
    """how many could not be written"""
    running: bool = False
    name: str | None = None
    """of the last one"""
    at: float = 0.0
    """when the last one was complete, in seconds since 1970; 0 if there is none"""
    seconds: float = 0.0
    """that the last one took"""
    nbytes: int = 0
    """of memory that the last one holds"""
    error: str | None = None
    """why the last attempt failed; None if it did not"""


class Checkpoints:
    """Writes checkpoints of an engine into a folder of its own and keeps the newest few.

    Parameters
    ----------
    settings : CheckpointSettings
    engine : Engine
    idle_seconds : callable
        For how long no command has been running.
    locales : callable
        How many processes hold arrays.
    """

    def __init__(
        self,
        settings: CheckpointSettings,
        engine: Engine,
        idle_seconds: Callable[[], float],
        locales: Callable[[], int],
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._idle_seconds = idle_seconds
        self._locales = locales
        self._status = CheckpointStatus()
        self._lock = threading.Lock()
        self._saved_changes = engine.symbols.changes
        self._tried_at = time.monotonic()
        self._task: asyncio.Task[None] | None = None

    @property
    def status(self) -> CheckpointStatus:
        """What is known; cheap, and safe to ask for from any thread."""
        return self._status

    @property
    def folder(self) -> Path:
        """Where the checkpoints are.

        Raises
        ------
        ConfigurationError
            If the settings name none.
        """
        if self._settings.checkpoint_folder is None:
            raise ConfigurationError("--checkpoint-folder is not set; name a folder that this server has to itself")
        return self._settings.checkpoint_folder

    @property
    def wanted(self) -> bool:
        """Whether there is a folder."""
        return self._settings.checkpoint_folder is not None

    def facts(self) -> Mapping[str, Any]:
        """What the server's status says about it; nothing without a folder."""
        if not self.wanted:
            return {}
        s = self._status
        at = datetime.fromtimestamp(s.at, UTC).isoformat(timespec="seconds") if s.at else None
        facts = {"folder": str(self.folder), "last": s.name, "at": at, "saved": s.saved, "failed": s.failed}
        return {"checkpoint": {**facts, "last_error": s.error}}

    def gauges(self) -> Figures:
        """What the metrics say about the last one."""
        return {
            "arkserver_checkpoint_wanted": ("1 if there is a folder for checkpoints.", lambda: self.wanted),
            "arkserver_checkpoint_running": ("1 while one is written.", lambda: self._status.running),
            "arkserver_checkpoint_failing": ("1 if the last failed.", lambda: self._status.error is not None),
            "arkserver_checkpoint_last_timestamp_seconds": ("When the last was complete.", lambda: self._status.at),
            "arkserver_checkpoint_last_duration_seconds": ("How long it took.", lambda: self._status.seconds),
            "arkserver_checkpoint_last_bytes": ("Bytes of memory in it.", lambda: self._status.nbytes),
        }

    def counters(self) -> Figures:
        """What the metrics count."""
        return {
            "arkserver_checkpoints": ("Checkpoints written.", lambda: self._status.saved),
            "arkserver_checkpoint_failures": ("Checkpoints not written.", lambda: self._status.failed),
        }

    # --- the server's life -------------------------------------------------------------------------------------------

    async def open(self, join_seconds: float) -> None:
        """Tidy the folder up and, if the settings ask for it, restore.

        Raises
        ------
        ConfigurationError
            If the folder cannot be used, or no checkpoint in it is good.
        MemoryLimitError
            If the checkpoint does not fit, not even after `join_seconds` in which workers could join.
        """
        if self._settings.restore or self.wanted:
            await asyncio.to_thread(self._tidy)
        if self._settings.restore:
            await self._restore(join_seconds)

    def start(self) -> None:
        """Begin to look at the clock."""
        if self.wanted and (self._settings.checkpoint_seconds or self._settings.checkpoint_idle_seconds):
            self._task = asyncio.create_task(self._look(), name="checkpoints")

    async def close(self) -> bool:
        """Stop looking, and write the last one if the settings ask for it; False if that failed."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if not self.wanted or not self._settings.checkpoint_at_end:
            return True
        return await self.attempt("end", END_LOCK_SECONDS)

    async def attempt(self, reason: str, lock_seconds: float = saving.LOCK_SECONDS) -> bool:
        """Write one if something has changed since the last; False, and a line in the log, if that failed."""
        try:
            await asyncio.to_thread(self._save_changed, reason, lock_seconds)
        except Exception:  # noqa: BLE001 - said and counted where it happened; a defect must not stop an end in order
            return False
        return True

    # --- writing -----------------------------------------------------------------------------------------------------

    def save(self) -> Mapping[str, Any]:
        """Write one now; name, folder, bytes and seconds. Called from a command's thread.

        Raises
        ------
        StorageError
            If it cannot be written; older ones stay as they are.
        """
        with self._lock:
            self._save("command", saving.LOCK_SECONDS)
        s = self._status
        return {"name": s.name, "path": str(self.folder), "nbytes": s.nbytes, "seconds": round(s.seconds, 3)}

    def settle(self) -> None:
        """Return when none is being written."""
        with self._lock:
            pass

    def _save_changed(self, reason: str, lock_seconds: float) -> None:
        with self._lock:
            if self._engine.symbols.changes != self._saved_changes:
                self._save(reason, lock_seconds)

    def _save(self, reason: str, lock_seconds: float) -> None:
        changes = self._engine.symbols.changes
        name = f"{PREFIX}{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
        started = time.monotonic()
        self._tried_at = started
        self._status = replace(self._status, running=True)
        log.info("checkpoint begins", reason=reason, name=name)
        try:
            whole = saving.save(
                self._engine, self.folder / name, Mode.ERROR, locales=self._locales(), seconds=lock_seconds
            )
        except Exception as e:
            self._failed(name, e)
            raise
        finally:
            self._status = replace(self._status, running=False)
        self._saved_changes = changes
        self._succeeded(name, whole, time.monotonic() - started)

    def _failed(self, name: str, error: Exception) -> None:
        log.error("checkpoint failed", name=name, error=str(error))
        self._status = replace(self._status, failed=self._status.failed + 1, error=str(error))

    def _succeeded(self, name: str, whole: Manifest, seconds: float) -> None:
        self._status = CheckpointStatus(
            self._status.saved + 1, self._status.failed, False, name, time.time(), seconds, whole.nbytes
        )
        log.info("checkpoint written", name=name, symbols=len(whole.values), nbytes=whole.nbytes, seconds=seconds)
        removed = folders.keep_newest(self.folder, PREFIX, self._settings.checkpoint_keep)
        if removed:
            log.info("old checkpoints removed", names=[path.name for path in removed])

    # --- by the clock ------------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        times = [t for t in (self._settings.checkpoint_seconds, self._settings.checkpoint_idle_seconds) if t]
        while True:
            await asyncio.sleep(min(LOOK_SECONDS, *times))
            if reason := self._due():
                await self.attempt(reason)

    def _due(self) -> str:
        """Why one is to be written now; empty if none is."""
        if self._engine.symbols.changes == self._saved_changes:
            return ""
        since = time.monotonic() - self._tried_at
        interval, idle = self._settings.checkpoint_seconds, self._settings.checkpoint_idle_seconds
        if interval and since >= interval:
            return "interval"
        # Idle for that long, and no attempt in this time of idleness.
        return "idle" if idle and min(self._idle_seconds(), since) >= idle else ""

    # --- restoring ---------------------------------------------------------------------------------------------------

    def _tidy(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            half = folders.sweep(self.folder)
        except OSError as e:
            raise ConfigurationError(f"--checkpoint-folder {self.folder}: {e.strerror}") from None
        if half:
            log.warning("half-written checkpoints removed", names=[path.name for path in half])

    async def _restore(self, join_seconds: float) -> None:
        found, damaged = await asyncio.to_thread(restoring.latest, self.folder)
        for text in damaged:
            log.error("checkpoint is damaged", error=text)
        if found is None:
            if damaged:
                raise ConfigurationError(
                    f"--restore: no checkpoint in {self.folder} is good ({damaged[0]}); "
                    "move the folder away to start without"
                )
            log.info("nothing to restore", folder=str(self.folder))
            return
        folder, whole = found
        started = time.monotonic()
        await self._wait_for_room(folder, whole, join_seconds)
        await asyncio.to_thread(self._load, folder, whole)
        self._saved_changes = self._engine.symbols.changes
        seconds = round(time.monotonic() - started, 3)
        log.info("restored", name=folder.name, symbols=len(whole.values), nbytes=whole.nbytes, seconds=seconds)

    async def _wait_for_room(self, folder: Path, whole: Manifest, join_seconds: float) -> None:
        """Workers that join raise the limit."""
        accounts = self._engine.accounts
        end = time.monotonic() + join_seconds
        while whole.nbytes > accounts.available:
            if time.monotonic() > end:
                raise MemoryLimitError(
                    f"--restore: {folder.name} needs {whole.nbytes} bytes and {accounts.available} are left under the "
                    "limit; start with a larger --memory-limit or more workers"
                )
            await asyncio.sleep(LOOK_SECONDS)

    def _load(self, folder: Path, whole: Manifest) -> None:
        with self._engine.accounts.reserve("restore", whole.nbytes):
            try:
                restoring.restore(self._engine, folder, whole)
            except StorageError as e:
                raise ConfigurationError(f"--restore: {e}") from None
