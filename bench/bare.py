"""The least that a server can do over ZeroMQ: echo small messages, keep large ones and return them."""

from __future__ import annotations

import atexit
import subprocess
import sys
from functools import cache
from typing import Any

import zmq
from numpy.typing import NDArray

from tests.support.server import Raw

GET = b"get"

_SERVER = f"""
import zmq
s = zmq.Context().socket(zmq.ROUTER)
print(s.bind_to_random_port("tcp://127.0.0.1"), flush=True)
kept = None
while True:
    *route, frame = s.recv_multipart(copy=False)
    if len(frame) > 65536:
        kept, answer = frame, b"."
    else:
        answer = kept if frame.bytes == {GET!r} else frame
    s.send_multipart([*route, answer], copy=False)
"""


class Bare:
    """Such a process and a socket to it."""

    def __init__(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.address = f"tcp://127.0.0.1:{int(self.process.stdout.readline())}"
        self.raw = Raw(self.address)

    def close(self) -> None:
        """End it."""
        self.raw.__exit__()
        self.process.kill()
        self.process.wait()

    def echo(self, message: bytes) -> bytes:
        """Send a small message and receive it back."""
        self.raw.socket.send(message)
        return self.raw.socket.recv()

    def upload(self, x: NDArray[Any]) -> None:
        """Send a large message; it is kept there."""
        self.raw.socket.send(x.data.cast("B"), copy=False)
        self.raw.socket.recv()

    def download(self) -> memoryview:
        """Receive what was kept, not copied."""
        self.raw.socket.send(GET)
        frame = self.raw.socket.recv(copy=False)
        assert isinstance(frame, zmq.Frame)
        return frame.buffer


@cache
def bare() -> Bare:
    """One for the whole run."""
    found = Bare()
    atexit.register(found.close)
    return found
