"""Machines of a small network: network namespaces on a bridge, each with addresses of its own. Needs root on Linux."""

from __future__ import annotations

import os
import random
import subprocess
import threading
from pathlib import Path

import pytest


def _ip(*words: str) -> None:
    run = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"ip {' '.join(words)}: {run.stderr}"


class Machine:
    """One namespace on the network's bridge."""

    def __init__(self, network: Network, number: int) -> None:
        self.number = number
        self.name = f"{network.name}m{number}"
        self.address = network.address(number)
        self.address6 = network.address6(number)
        self._near = f"{network.name}v{number}"
        _ip("netns", "add", self.name)
        _ip("link", "add", self._near, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        _ip("link", "set", self._near, "master", network.name, "up")
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "link", "set", "eth0", "up")
        self.add(self.address)
        self.run("ip", "-6", "addr", "add", f"{self.address6}/64", "dev", "eth0", "nodad")

    def command(self, *words: str | Path) -> list[str]:
        """Return the command line that runs `words` on this machine."""
        return ["ip", "netns", "exec", self.name, *map(str, words)]

    def run(self, *words: str | Path, env: dict[str, str] | None = None) -> str:
        """Run a command on this machine and return its output."""
        environment = {**os.environ, **(env or {})}
        done = subprocess.run(self.command(*words), capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def add(self, address: str) -> None:
        self.run("ip", "addr", "add", f"{address}/24", "dev", "eth0")

    def readdress(self, address: str) -> None:
        """Change the machine's IPv4 address, as a new DHCP lease does."""
        self.run("ip", "addr", "del", f"{self.address}/24", "dev", "eth0")
        self.address = address
        self.add(address)

    def close(self) -> None:
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", self._near], capture_output=True, check=False)


def _name(third: int) -> str:
    return f"ark{third}"


def _bridge() -> int:
    """Make a bridge with the name of addresses that are free, which no two processes can: the third byte of them."""
    thirds = list(range(20, 220))
    random.SystemRandom().shuffle(thirds)
    for third in thirds:
        made = subprocess.run(
            ["ip", "link", "add", _name(third), "type", "bridge"], capture_output=True, text=True, check=False
        )
        if made.returncode == 0:
            return third
        if "File exists" not in made.stderr:
            pytest.skip("MISSING: the right to make network namespaces (root on Linux, iproute2)")
    pytest.fail("all networks are taken; ip link del the bridges ark20 to ark219 that nobody uses")


class Network:
    """A bridge with an address for this process, and machines."""

    def __init__(self) -> None:
        self._third = _bridge()
        self.name = _name(self._third)
        self._machines: dict[int, Machine] = {}
        self._lock = threading.Lock()
        self.host = self.address(1)
        self.host6 = self.address6(1)
        _ip("addr", "add", f"{self.host}/24", "dev", self.name)
        _ip("-6", "addr", "add", f"{self.host6}/64", "dev", self.name, "nodad")
        _ip("link", "set", self.name, "up")

    def address(self, number: int) -> str:
        return f"10.211.{self._third}.{number}"

    def address6(self, number: int) -> str:
        return f"fd00:211:{self._third}::{number}"

    def machine(self) -> Machine:
        """Return a new machine; safe in threads."""
        with self._lock:
            number = next(n for n in range(2, 100) if n not in self._machines)
            self._machines[number] = Machine(self, number)
        return self._machines[number]

    def give_back(self, machine: Machine) -> None:
        """Close a machine; its number may be used again."""
        with self._lock:
            machine.close()
            del self._machines[machine.number]

    def close(self) -> None:
        for machine in self._machines.values():
            machine.close()
        subprocess.run(["ip", "link", "del", self.name], capture_output=True, check=False)
