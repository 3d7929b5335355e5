"""Child processes that are up when they say so, and gone when asked."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class Process:
    """One child process with its output in a file."""

    def __init__(self, command: Sequence[str | Path], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.log = log
        self._command = [str(word) for word in command]
        self._env = {**os.environ, **(env or {})}
        self._child: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid

    def start(self) -> None:
        with self.log.open("ab") as stream:
            self._child = subprocess.Popen(self._command, stdout=stream, stderr=stream, env=self._env)

    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def signal(self, number: int) -> None:
        assert self._child is not None
        self._child.send_signal(number)

    def wait(self, seconds: float = 30) -> int:
        assert self._child is not None
        return self._child.wait(seconds)

    def stop(self) -> None:
        if self._child is None:
            return
        self._child.terminate()
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.wait()

    def until(self, ready: Callable[[], bool], what: str, seconds: float = 60) -> None:
        """Wait until `ready`; fail with the end of the output if the process ends before."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.running():
                raise AssertionError(f"{what} ended:\n{self.tail()}")
            with contextlib.suppress(OSError):
                if ready():
                    return
            time.sleep(0.05)
        raise AssertionError(f"{what} was not ready within {seconds} s:\n{self.tail()}")

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]


def eventually(probe: Callable[[], T], what: str, seconds: float = 20) -> T:
    """Return the first truthy value of `probe`; an assertion in it counts as not yet.

    For waiting on other processes: the limit is a safety net, not a measurement.
    """
    deadline = time.monotonic() + seconds
    last: object = None
    while time.monotonic() < deadline:
        try:
            if value := probe():
                return value
            last = value
        except (AssertionError, OSError) as error:
            last = error
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds} s; last: {last}")
