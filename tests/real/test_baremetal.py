"""deploy/baremetal on three hosts: the script installs, systemd accepts the units, and what they say is executed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.site import ROOT
from tests.support.servers.hosts import Host, Unit, write_ssh
from tests.support.servers.network import Machine, Network
from tests.support.servers.process import eventually

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("hosts"), pytest.mark.timeout(600)]

FILES = ROOT / "deploy" / "baremetal"
PROGRAMS = "/opt/programs"
"""where hosts have what stands for systemctl"""
RECORD = "/opt/systemctl.log"
EXPOSURE = 20
"""of 100, as systemd rates how little a service is shut in"""

MAKE = """
import sys
from arkserver.client import connect
session = connect(sys.argv[1])
session.array(range(2_000_000)).register("counted")
"""
LOOK = """
import sys
from arkserver.client import connect
session = connect(sys.argv[1])
assert session.attach("counted").to_numpy().tolist() == list(range(2_000_000))
print(*sorted(place["name"] for place in session.config()["LocaleConfigs"]))
"""


class Lab:
    """Three hosts on which the script has been run, and a client elsewhere."""

    def __init__(self, network: Network, folder: Path) -> None:
        self._network = network
        self._folder = folder
        self.client = network.machine()
        self.hosts = [Host(network.machine(), name, folder) for name in ("lab0", "lab1", "lab2")]
        for host in self.hosts:
            self._provide(host)
        self.deploy()
        units = ("arkserver.service", "arkserver-worker.service", "arkserver-worker.service")
        self.units = [Unit(host, unit) for host, unit in zip(self.hosts, units, strict=True)]

    def _provide(self, host: Host) -> None:
        """What the script finds: systemd, and a Python that has the package."""
        path = os.pathsep.join([str(ROOT), *sys.path])
        host.add_program(f"{PROGRAMS}/systemctl", f'echo "$*" >> {RECORD}')
        host.add_program("/opt/arkserver/bin/python", "exit 0")
        run = f'PYTHONPATH={path} exec {sys.executable} -m arkserver.cli "$@"'
        host.add_program("/opt/arkserver/bin/arkserver", run)

    def deploy(self) -> None:
        """Run the script, as an operator does."""
        reach = self._folder / "ssh"
        write_ssh(reach, self.hosts, PROGRAMS)
        addresses = [host.machine.address for host in self.hosts]
        command = [str(FILES / "deploy.sh"), *addresses]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=os.environ | {"SSH": str(reach)}
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def ask(self, program: str) -> str:
        """Run a program of a client's, who was told the token."""
        (token,) = self.hosts[0].path("/var/lib/arkserver/.arkouda/tokens.txt").read_text().split()
        url = f"tcp://{self.hosts[0].machine.address}:5555?token={token}"
        return self.client.run(sys.executable, "-c", program, url, env={"PYTHONPATH": os.pathsep.join(sys.path)})

    def until(self, workers: str) -> None:
        eventually(lambda: self.ask(LOOK) == f"{workers}\n", f"workers {workers}\n{self.units[0].log()[-3000:]}", 90)

    def close(self) -> None:
        for unit in self.units:
            unit.stop()
        machines: list[Machine] = [self.client]
        for host in self.hosts:
            host.close()
            machines.append(host.machine)
        for machine in machines:
            self._network.give_back(machine)


@pytest.fixture(scope="module")
def lab(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(network, tmp_path_factory.mktemp("lab"))
    yield lab
    lab.close()


def test_the_script_has_installed_and_started_a_unit_on_each_host(lab: Lab) -> None:
    for host, unit in zip(lab.hosts, ("arkserver", "arkserver-worker", "arkserver-worker"), strict=True):
        did = [f"{what} {unit}.service" for what in ("enable", "restart")]
        assert host.path(RECORD).read_text().splitlines() == ["daemon-reload", *did]
        key = host.run("stat", "-c", "%U %G %a", "/etc/arkserver/tls/key.pem")
        assert key == "root arkserver 640\n"
    keys = {host.path("/etc/arkserver/tls/key.pem").read_bytes() for host in lab.hosts}
    assert len(keys) == 1


def test_systemd_accepts_the_units_and_finds_them_shut_in(lab: Lab) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("MISSING: systemd-analyze; run make real-servers")
    for host, unit in zip(lab.hosts, ("arkserver", "arkserver-worker", "arkserver-worker"), strict=True):
        assert host.run("systemd-analyze", "verify", f"/etc/systemd/system/{unit}.service") == ""
        host.run("systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE}", f"{unit}.service")


def test_what_the_units_say_makes_a_cluster_that_outlives_its_members(lab: Lab) -> None:
    server, _, second = lab.units
    log = server.start()
    log.until(lambda: "server listening" in server.log(), "arkserver")
    assert "scheduler: tls://" in server.log()
    for unit in lab.units[1:]:
        unit.start()
    eventually(lambda: lab.hosts[0].path("/var/lib/arkserver/.arkouda/tokens.txt").exists(), "a token")
    eventually(lambda: all("joined" in unit.log() for unit in lab.units[1:]), "two workers", 90)
    lab.ask(MAKE)
    lab.until("lab1 lab2")
    second.stop()
    lab.until("lab1")
    second.start()
    lab.until("lab1 lab2")
    server.stop()
    server.start()  # with the checkpoint of its end; the workers join by themselves
    lab.until("lab1 lab2")


def test_a_second_run_of_the_script_keeps_what_is_there(lab: Lab) -> None:
    settings = lab.hosts[0].path("/etc/arkserver/server.toml")
    settings.write_text(settings.read_text() + 'log_level = "WARN"\n')
    key = lab.hosts[1].path("/etc/arkserver/tls/key.pem").read_bytes()
    lab.deploy()
    assert 'log_level = "WARN"' in settings.read_text()
    assert lab.hosts[1].path("/etc/arkserver/tls/key.pem").read_bytes() == key
