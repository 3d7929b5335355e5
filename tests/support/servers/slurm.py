"""Slurm: a controller on the network's host, and a node on each of its machines."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.support.ports import free_port
from tests.support.servers import binary
from tests.support.servers.network import Network
from tests.support.servers.process import Process, eventually

# A job that is queued again waits until its old credential has expired: 15 seconds, and not Slurm's 120.
CONFIGURATION = """
ClusterName=tests
SlurmctldHost={host}({address})
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=15
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=5,bf_interval=5
ReturnToService=2
KillWait=5
MinJobAge=600
{nodes}
PartitionName=debug Nodes=ALL Default=YES MaxTime=1-00:00:00 State=UP
PartitionName=large Nodes=ALL MaxTime=1-00:00:00 State=UP
"""
CPUS, MEGABYTES = 2, 4000


class Slurm:
    """A real Slurm, until stopped; its users need `environment`."""

    def __init__(self, folder: Path, network: Network, nodes: int = 2) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.network = network
        self.machines = [network.machine() for _ in range(nodes)]
        configuration = folder / "slurm.conf"
        configuration.write_text(self._configuration())
        self.environment = {"SLURM_CONF": str(configuration)}
        self._processes: list[Process] = []
        self._start()

    def _configuration(self) -> str:
        host = socket.gethostname().partition(".")[0]
        nodes = [
            f"NodeName=n{i} NodeHostname={host} NodeAddr={m.address} CPUs={CPUS} RealMemory={MEGABYTES}"
            for i, m in enumerate(self.machines)
        ]
        return CONFIGURATION.format(
            host=host, address=self.network.host, port=free_port(), folder=self.folder, nodes="\n".join(nodes)
        )

    def _start(self) -> None:
        for name in ("state", *(f"spool-n{i}" for i in range(len(self.machines)))):
            (self.folder / name).mkdir()
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(128))
        munge: list[str | Path] = [binary("slurm", "munged"), "--foreground", "--force", "--num-threads=2"]
        for what, name in (("key", "key"), ("log", "log"), ("pid", "pid"), ("seed", "seed")):
            munge.append(f"--{what}-file={self.folder}/munge.{name}")
        self._run("munged", [*munge, f"--socket={self.folder}/munge.socket"])
        eventually((self.folder / "munge.socket").exists, "munged")
        self._run("slurmctld", [binary("slurm", "slurmctld"), "-D"])
        for number, machine in enumerate(self.machines):
            # Not `ip netns exec`, which hides the control groups that slurmd looks for.
            here: list[str | Path] = ["nsenter", f"--net=/run/netns/{machine.name}"]
            self._run(f"n{number}", [*here, binary("slurm", "slurmd"), "-D", "-N", f"n{number}"])
        eventually(lambda: set(self.run("sinfo", "-h", "-N", "-o", "%T").split()) == {"idle"}, "idle nodes", 60)

    def _run(self, name: str, command: list[str | Path]) -> None:
        self._processes.append(Process(command, self.folder / f"{name}.log", self.environment))

    def run(self, *words: str | Path, env: Mapping[str, str] | None = None) -> str:
        """Run a command of Slurm's and return its output."""
        command = [str(word) for word in words]
        environment = {**os.environ, **self.environment, **(env or {})}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=30)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def jobs(self) -> dict[str, str]:
        """Number and state of the jobs that are not over."""
        lines = self.run("squeue", "-h", "-o", "%i %T").splitlines()
        return {line.split()[0]: line.split()[1] for line in lines}

    def job(self, number: str) -> dict[str, str]:
        """What Slurm knows of a job, also of one that is over."""
        words = self.run("scontrol", "show", "job", "-o", number).split()
        return {key: value for key, _, value in (word.partition("=") for word in words)}

    def nodes(self) -> list[str]:
        """The node of each job that is not over."""
        return sorted(self.run("squeue", "-h", "-o", "%N").split())

    def clear(self) -> None:
        """Cancel whatever a test left."""
        self.run("scancel", "-u", "root")
        eventually(lambda: not self.jobs(), "no job is left", 60)

    def stop(self) -> None:
        self.clear()
        for process in reversed(self._processes):
            process.stop()
