"""Hosts: machines of a network that have names, and file systems of their own above this machine's."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support.servers.network import Machine
from tests.support.servers.process import Process

LAYERS = (Path("/etc"), Path("/opt"), Path("/var/lib"), Path("/var/cache"), Path.home())
"""What a host may change; nothing of it is seen outside. The home is there because Python may live in it, and other
users of a host have to reach that."""


class Host:
    """A machine as an operator sees it."""

    def __init__(self, machine: Machine, name: str, folder: Path) -> None:
        self.machine = machine
        self.name = name
        self._folder = folder / name
        self._folder.mkdir(parents=True)
        if "overlay" not in Path("/proc/filesystems").read_text():
            pytest.skip("MISSING: overlay file systems")
        up = self._folder / "up"
        mounts = [self._mount(layer) for layer in LAYERS]
        script = " && ".join([f"hostname {name}", *mounts, f"touch {up}", "exec sleep infinity"])
        command = ["nsenter", f"--net=/run/netns/{machine.name}", "unshare", "--mount", "--uts", "sh", "-c", script]
        self._life = Process(command, self._folder / "log")
        self._life.until(up.exists, name)

    def _mount(self, layer: Path) -> str:
        upper, work = self.path(layer), self._folder / "work" / layer.relative_to("/")
        upper.mkdir(parents=True)
        work.mkdir(parents=True)
        return f"mount -t overlay host -o lowerdir={layer},upperdir={upper},workdir={work} {layer}"

    def path(self, inside: str | Path) -> Path:
        """Where something that this host made is seen from outside."""
        return self._folder / "root" / Path(inside).relative_to("/")

    def command(self, *words: str | Path) -> list[str]:
        """Return the command line that runs `words` on this host."""
        return ["nsenter", "-t", str(self._life.pid), "--mount", "--uts", "--net", *map(str, words)]

    def run(self, *words: str | Path) -> str:
        """Run a command on this host and return its output."""
        done = subprocess.run(self.command(*words), capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def add_program(self, inside: str, script: str) -> None:
        """Put a shell script on this host."""
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def close(self) -> None:
        self._life.stop()


def write_ssh(path: Path, hosts: Iterable[Host], programs: str) -> None:
    """Write a command that reaches hosts by their addresses as ssh does, with a folder of theirs to look in first."""
    search = f"{programs}:{os.environ['PATH']}"
    cases = [
        f'{h.machine.address}) exec {shlex.join(h.command("env", f"PATH={search}", "sh", "-c"))} "$*" ;;' for h in hosts
    ]
    path.write_text("\n".join(["#!/bin/sh", "host=$1", "shift", "case $host in", *cases, "esac", "exit 255", ""]))
    path.chmod(0o755)


class Unit:
    """A unit file of a host, executed without systemd: its user, folders, environment, command and end."""

    def __init__(self, host: Host, name: str) -> None:
        self._host = host
        lines = host.path(f"/etc/systemd/system/{name}").read_text().splitlines()
        self._lines = [line.partition("=")[::2] for line in lines if line and line[0] not in "#["]
        self._log = host.path("/var/lib") / f"{name}.log"
        self.process: Process | None = None

    def value(self, key: str) -> str:
        """The value of a key that is there once."""
        (value,) = [value for found, value in self._lines if found == key]
        return value

    def start(self) -> Process:
        for base, key in (("/var/lib", "StateDirectory"), ("/var/cache", "CacheDirectory")):
            folder = f"{base}/{self.value(key)}"
            self._host.run("install", "-d", "-o", self.value("User"), "-g", self.value("Group"), folder)
        user = ("setpriv", f"--reuid={self.value('User')}", f"--regid={self.value('Group')}", "--init-groups")
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", **self._environment()}
        settings = [f"{name}={value}" for name, value in environment.items()]
        where = ("env", "-i", "-C", self.value("WorkingDirectory"), *settings)
        mask = ("sh", "-c", f'umask {self.value("UMask")}; exec "$@"', "sh")
        command = self._host.command(*user, "--no-new-privs", *where, *mask, *self._words(environment))
        self.process = Process(command, self._log)
        return self.process

    def _environment(self) -> dict[str, str]:
        text = [value for key, value in self._lines if key == "Environment"]
        file = self._host.path(self.value("EnvironmentFile").removeprefix("-"))
        text += file.read_text().splitlines() if file.exists() else []
        return dict(line.split("=", 1) for line in text)

    def _words(self, environment: dict[str, str]) -> list[str]:
        words = self.value("ExecStart").split()
        return [re.sub(r"\$\{(\w+)\}", lambda found: environment[found[1]], word) for word in words]

    def log(self) -> str:
        return self._log.read_text()

    def stop(self) -> None:
        """SIGTERM for the main process, as ``KillMode=mixed`` says."""
        assert self.value("KillMode") == "mixed"
        if self.process is not None:
            self.process.stop()
