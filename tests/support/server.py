"""Starts a real server as a process of its own, and speaks the protocol to it without any client library."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import zmq

START_SECONDS = 150
REPLY_MS = 60_000


@dataclass
class RunningServer:
    """A server process."""

    process: subprocess.Popen[bytes]
    host: str
    port: int
    url: str
    """with the token, when there is one"""
    log: Path
    folder: Path
    """its working folder"""

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"tcp://127.0.0.1:{self.port}"

    def address_of(self, what: str) -> str:
        """An address that it prints, such as that of ``metrics``; the scheduler's comes a while after the start."""
        deadline = time.monotonic() + START_SECONDS
        while not (found := re.search(rf"^{what}: (.*)\n", self.log.read_text(), re.MULTILINE)):
            assert time.monotonic() < deadline, f"no {what} in {self.log.read_text()}"
            time.sleep(0.02)
        return found[1].strip()

    def wait(self, seconds: float = 30) -> int:
        """The exit status, once it has ended."""
        return self.process.wait(seconds)


def start_process(*flags: str, folder: Path, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """``arkserver start`` on free ports, output to ``server.log`` in `folder`."""
    free = ["--metrics-port", "0", "--scheduler-port", "0", "--dashboard-port", "0", "--host", "127.0.0.1"]
    argv = [sys.executable, "-m", "arkserver.cli", "start", "--port", "0", *free, *flags]
    with (folder / "server.log").open("wb") as log:
        return subprocess.Popen(
            argv, cwd=folder, stdout=log, stderr=log, env=os.environ | {"ARKSERVER_WARMUP": "false"} | (env or {})
        )


@contextmanager
def running_server(*flags: str, env: dict[str, str] | None = None) -> Iterator[RunningServer]:
    """A server that is ready; stopped at the end if it still runs. Without the Dask scheduler unless asked for."""
    scheduler = () if any(f.startswith("--scheduler") for f in flags) else ("--scheduler", "false")
    with tempfile.TemporaryDirectory(prefix="arkserver-test-") as scratch:
        folder = Path(scratch)
        announced = folder / "connection"
        process = start_process("--connection-file", str(announced), *scheduler, *flags, folder=folder, env=env)
        try:
            yield _await(process, announced, folder)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(20)


def _await(process: subprocess.Popen[bytes], announced: Path, folder: Path) -> RunningServer:
    log = folder / "server.log"
    deadline = time.monotonic() + START_SECONDS
    while not announced.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"the server did not start:\n{log.read_text()}")
        time.sleep(0.02)
    host, port, url = announced.read_text().split()
    return RunningServer(process, host, int(port), url, log, folder)


class Raw:
    """The protocol by hand over a REQ socket."""

    def __init__(self, address: str, *, user: str = "tester", token: str = "") -> None:
        self.user, self.token = user, token
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self._context.socket(zmq.REQ)
        self.socket.setsockopt(zmq.RCVTIMEO, REPLY_MS)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(address)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
        self._context.term()

    def frames(self, *frames: bytes) -> bytes:
        """Send these frames as they are; the reply's frame."""
        self.socket.send_multipart(frames)
        (reply,) = self.socket.recv_multipart()
        return reply

    def send(self, cmd: str, payload: bytes | None = None, **parameters: Any) -> bytes:
        """A request in the protocol's form; the reply's frame."""
        first = json.dumps(envelope(cmd, parameters, user=self.user, token=self.token, binary=payload is not None))
        if payload is None:
            return self.frames(first.encode())
        return self.frames(first.encode() + b"BINARY_PAYLOAD", payload)

    def reply(self, cmd: str, payload: bytes | None = None, **parameters: Any) -> dict[str, str]:
        """`send`, the reply parsed."""
        found: dict[str, str] = json.loads(self.send(cmd, payload, **parameters))
        return found

    def text(self, cmd: str, payload: bytes | None = None, **parameters: Any) -> str:
        """`reply`, which must be no error; its text."""
        found = self.reply(cmd, payload, **parameters)
        assert found["msgType"] != "ERROR", found["msg"]
        return found["msg"]

    def error(self, cmd: str, payload: bytes | None = None, **parameters: Any) -> str:
        """`reply`, which must be an error; its text."""
        found = self.reply(cmd, payload, **parameters)
        assert found["msgType"] == "ERROR", found["msg"]
        return found["msg"]


def envelope(
    cmd: str, parameters: dict[str, Any], *, user: str = "tester", token: str = "", binary: bool = False
) -> dict[str, Any]:
    """A request as the protocol writes it: three nested levels of JSON text."""
    items: Sequence[str] = [json.dumps(_parameter(k, v)) for k, v in parameters.items()]
    return {
        "user": user,
        "token": token,
        "cmd": cmd,
        "format": "BINARY" if binary else "STRING",
        "args": json.dumps(items),
        "size": len(items),
    }


def _parameter(key: str, value: Any) -> dict[str, str]:
    names = {bool: "bool", int: "int64", float: "float64", str: "str"}
    if isinstance(value, list | tuple):
        return {"key": key, "dtype": "int64", "val": json.dumps([str(v) for v in value])}
    return {"key": key, "dtype": names[type(value)], "val": str(value)}


def symbol(line: str) -> str:
    """The name in the announcement of an array."""
    return line.split()[1]
