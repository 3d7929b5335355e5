"""Ctrl-C in a client ends what its command does on the workers, and frees it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from tests.support.server import RunningServer, running_server

_SORTS = """
import sys
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
from arkserver.client import connect
session = connect(sys.argv[1])
x = session.xp.arange(4_000_000) * 7_919 % 3_999_971
print(x.size, flush=True)
try:
    while True:
        print("sorting", x.argsort().size, flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
sys.stdin.readline()
print(int(x.sum()), flush=True)
session.close()
"""


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server("--scheduler", "true", "--workers", "2", "--distribute-from", "1KB") as found:
        yield found


def facts(server: RunningServer) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.address_of('page')}/facts", timeout=60).json()
    return found


def until_idle(server: RunningServer) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        found = facts(server)
        if not found["running"] and not any(w["tasks"] for w in found["workers"]):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def test_ctrl_c_ends_the_work_on_the_workers(server: RunningServer) -> None:
    argv = [sys.executable, "-c", _SORTS, server.address]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "4000000\n"
        until_arrays(server, 4_000_000 * 8)
        assert process.stdout.readline() == "sorting 4000000\n"
        process.send_signal(signal.SIGINT)
        while (line := process.stdout.readline()) == "sorting 4000000\n":
            pass
        assert line == "interrupted\n"
        found = until_idle(server)
        assert found["server"]["reserved"] == 0
        process.stdin.write("go on\n")
        process.stdin.flush()
        assert process.stdout.readline() == f"{(np.arange(4_000_000) * 7_919 % 3_999_971).sum()}\n"
        assert process.wait(60) == 0
    # The signal may come after a reply and before there is an object that would delete what the reply names.
    assert until_idle(server)["server"]["symbols"] <= 1


def until_arrays(server: RunningServer, nbytes: int) -> dict[str, Any]:
    """Wait until the workers hold so many bytes at least."""
    deadline = time.monotonic() + 60
    while True:
        found = facts(server)
        held = sum(w["arrays"] for w in found["workers"])
        if held >= nbytes:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
