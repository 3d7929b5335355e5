"""Processes that compile kernels for others, which go on meanwhile.

Such a process takes as long to start as to compile a kernel or two, and a session with an empty cache asks for some
tens, one after the other. So it stays for the next one for a while.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

_lock = threading.Lock()
_idle: list[_Compiler] = []


def compile_elsewhere(name: str, signature: tuple[Any, ...]) -> bool:
    """Fill the cache with the code of the kernel ``module:name`` for a tuple of Numba types.

    Returns
    -------
    bool
        False when it cannot be compiled there.
    """
    with _lock:
        waiting = _idle.pop() if _idle else None
    if waiting is not None and waiting.compile(name, signature):
        return True
    return _Compiler().compile(name, signature)  # the other has had nothing to do for too long, or could not


class _Compiler:
    """A process of its own, which ends when it is let go, when its parent ends, or when it had nothing to do."""

    def __init__(self) -> None:
        root = str(Path(__file__).parents[1])
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
        self._child = child = subprocess.Popen(
            [sys.executable, "-m", "arkserver_kernels.compiler"],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert child.stdin is not None and child.stdout is not None  # noqa: S101, PT018 - pipes
        self._requests, self._answers = child.stdin, child.stdout

    def compile(self, name: str, signature: tuple[Any, ...]) -> bool:
        """Whether it was done. Then the process waits for the next; else it has ended."""
        from numba.core.serialize import dumps

        done = False
        with contextlib.suppress(BrokenPipeError):
            self._requests.write(dumps((name, signature)))
            self._requests.flush()
            done = self._answers.read(1) == b"."
        if done:
            with _lock:
                _idle.append(self)
        else:
            self.close()
        return done

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._requests.close()
        self._answers.close()
        self._child.wait()


@atexit.register
def _close_idle() -> None:
    with _lock:
        while _idle:
            _idle.pop().close()
