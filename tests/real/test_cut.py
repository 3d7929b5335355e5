"""Server, workers and client on machines of their own: a link is cut for half a minute."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.real.site import ROOT
from tests.support.server import Raw
from tests.support.servers.network import Machine, Network
from tests.support.servers.process import Process, eventually

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("cut"), pytest.mark.timeout(600)]

CUT_S = 30
PORT = 5555


class Site:
    """A server, two workers and a client who asks all the time, on four machines."""

    def __init__(self, network: Network, folder: Path) -> None:
        self.machines = {name: network.machine() for name in ("server", "first", "second", "client")}
        self._network = network
        self._folder = folder
        self._processes: list[Process] = []
        self.server = self._start("server", "start", "--connection-file", folder / "connection", *_flags())
        self.server.until((folder / "connection").exists, "arkserver")
        for name in ("first", "second"):
            where = f"tcp://{self.machines['server'].address}:8786"
            self._start(name, "worker", where, "--name", name, "--memory-limit", "1GB")
        eventually(lambda: self.workers() == {"first", "second"}, "two workers", 90)
        self.log = folder / "asker.log"
        command = self.machines["client"].command(
            *(sys.executable, "-m", "tests.support.asker"), f"tcp://{self.machines['server'].address}:{PORT}", self.log
        )
        self.asker = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT)
        eventually(lambda: len(self.said()) > 10, "the client asks", 90)

    def _start(self, name: str, *words: str | Path) -> Process:
        command = self.machines[name].command(
            *("env", "-C", self._folder, sys.executable, "-m", "arkserver.cli", *words)
        )
        process = Process(command, self._folder / f"{name}.log", {"ARKSERVER_WARMUP": "false"})
        self._processes.append(process)
        return process

    def workers(self) -> set[str]:
        with Raw(f"tcp://{self.machines['server'].address}:{PORT}") as raw:
            found: dict[str, Any] = json.loads(raw.text("getconfig"))
        return {place["name"] for place in found["LocaleConfigs"]}

    def said(self) -> list[str]:
        return self.log.read_text().splitlines()[1:] if self.log.exists() else []

    def end(self) -> list[str]:
        """Have the client look at every array, and return what it found."""
        assert self.asker.stdin is not None
        self.asker.stdin.close()
        assert self.asker.wait(180) == 0
        return self.said()[-3:]

    def close(self) -> None:
        self.asker.kill()
        self.asker.wait()
        for process in reversed(self._processes):
            process.stop()
        for machine in self.machines.values():
            self._network.give_back(machine)


def _flags() -> tuple[str, ...]:
    return ("--host", "0.0.0.0", "--port", str(PORT), "--distribute-from", "1000")


@pytest.fixture
def site(network: Network, tmp_path: Path) -> Iterator[Site]:
    site = Site(network, tmp_path)
    yield site
    site.close()


def cut(machine: Machine, seconds: float) -> None:
    machine.run("ip", "link", "set", "eth0", "down")
    time.sleep(seconds)
    machine.run("ip", "link", "set", "eth0", "up")


@pytest.mark.parametrize("whose", ["first", "server", "client"])
def test_a_link_is_cut_for_half_a_minute(site: Site, whose: str) -> None:
    cut(site.machines[whose], CUT_S)
    at_the_cut = len(site.said())
    eventually(lambda: len(site.said()) > at_the_cut + 10, f"the client is answered\n{site.server.tail()}", 150)
    eventually(lambda: site.workers() == {"first", "second"}, f"both workers\n{site.server.tail()}", 150)
    assert site.end() == ["uploaded right", "made right", "computed right"]
    assert site.server.running()
    others = [line for line in site.said() if not line.endswith("right")]
    assert len(others) <= 1, others
    assert all("WorkerLost" in line or "workers" in line for line in others), others
