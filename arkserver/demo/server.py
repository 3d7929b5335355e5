"""A server for the time of the demo, as a process of its own on free ports."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 60.0


@contextmanager
def server() -> Iterator[str]:
    """Start a server; its address while it lives, and its end at the end.

    Raises
    ------
    RuntimeError
        If it does not start; the text has what it said.
    """
    with tempfile.TemporaryDirectory(prefix="arkserver-demo-") as scratch:
        announced, log = Path(scratch) / "connection", Path(scratch) / "log"
        process = _start(announced, log)
        try:
            _wait(process, announced, log)
            _, port, _ = announced.read_text().split()
            yield f"tcp://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def _start(announced: Path, log: Path) -> subprocess.Popen[bytes]:
    free = [f for name in ("port", "metrics-port", "scheduler-port", "dashboard-port") for f in (f"--{name}", "0")]
    command = [sys.executable, "-m", "arkserver.cli", "start", "--host", "127.0.0.1", *free]
    with log.open("wb") as output:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [*command, "--connection-file", str(announced)], stdout=output, stderr=output, cwd=announced.parent
        )


def _wait(process: subprocess.Popen[bytes], announced: Path, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not announced.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the server did not start:\n{log.read_text()}")
        time.sleep(0.02)
