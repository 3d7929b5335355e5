"""The batch files of deploy/slurm on a real Slurm, registered with a real Kubernetes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.real.site import CLIENT, ROOT, Site, Tenant
from tests.support.servers.kubernetes import kubeconfig
from tests.support.servers.network import Machine
from tests.support.servers.process import eventually
from tests.support.servers.slurm import CPUS, Slurm

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("slurm"), pytest.mark.timeout(900)]

FILES = ROOT / "deploy" / "slurm"
LARGE = 100_000

WORKERS = """
import sys
from arkserver.client import connect
print(*sorted(place["name"] for place in connect(sys.argv[1]).config()["LocaleConfigs"]))
"""
MAKE = f"""
import sys
from arkserver.client import connect
session = connect(sys.argv[1])
session.array(range({LARGE})).register("counted")
(session.arange({LARGE}) * 2).register("doubled")
"""
LOOK = f"""
import sys
from arkserver.client import connect
session = connect(sys.argv[1])
counted, doubled = session.attach("counted"), session.attach("doubled")
assert counted.to_numpy().tolist() == list(range({LARGE}))
assert doubled.to_numpy().tolist() == list(range(0, {2 * LARGE}, 2))
print(int(session.xp.sum(counted)))
"""
SCALE = "import sys; from arkserver.client import connect; connect(sys.argv[1]).do('scale', workers=2)"
STOP = "import sys; from arkserver.client import connect; connect(sys.argv[1]).shutdown()"


class Batch:
    """A batch file that was submitted, and a client on a machine of its own that knows the server's name only."""

    def __init__(self, slurm: Slurm, tenant: Tenant, client: Machine, file: str, *options: str, **more: str) -> None:
        self.slurm, self.tenant, self._client = slurm, tenant, client
        self.state = tenant.folder / "state"
        environment = tenant.environment(slurm.machines[0]) | self._settings() | more
        self.number = slurm.run(
            *("sbatch", "--parsable", f"--output={tenant.folder}/job.log", f"--cpus-per-task={CPUS}", "--mem=2G"),
            *(*options, str(FILES / file), "--distribute-from", "1000"),
            env=environment,
        ).strip()
        self._config = tenant.folder / "kubeconfig"
        url = f"https://{tenant.gateway.host}:{tenant.gateway.port}"
        user = {"tokenFile": str(tenant.token_file)}
        self._config.write_text(json.dumps(kubeconfig(url, tenant.ca_file, user)))

    def _settings(self) -> dict[str, str]:
        command = self.tenant.folder / "arkserver"
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -m arkserver.cli "$@"\n')
        command.chmod(0o755)
        paths = {"ARKSERVER": str(command), "ARKSERVER_STATE": str(self.state), "PYTHONPATH": _path()}
        return paths | {"ARKSERVER_WARMUP": "false"}

    def ask(self, program: str) -> str:
        """Run a program of a client's, with the server's name in Kubernetes."""
        environment = {"KUBECONFIG": str(self._config), "PYTHONPATH": _path()}
        return self._client.run(sys.executable, "-c", program, f"k8s://{self.tenant.name}/{CLIENT}", env=environment)

    def log(self) -> str:
        path = self.tenant.folder / "job.log"
        return path.read_text()[-4000:] if path.exists() else "no log yet"

    def until_registered(self, seconds: float = 120) -> None:
        def registered() -> bool:
            assert self.tenant.holds(CLIENT) == self.tenant.wanted(CLIENT, self.slurm.machines[0]), self.log()
            return True

        eventually(registered, "registered", seconds)

    def until_workers(self, names: str) -> None:
        eventually(lambda: self.ask(WORKERS) == f"{names}\n", f"workers {names}", 90)

    def goes_on(self) -> None:
        """Wait for the end of this run, and for what the next one restores."""
        eventually(lambda: self.slurm.jobs() == {self.number: "PENDING"}, "queued again", 240)
        assert self.tenant.leftovers() == []  # withdrawn, not left to expire
        self.until_registered()
        total = LARGE * (LARGE - 1) // 2
        eventually(lambda: self.ask(LOOK) == f"{total}\n", "restored", 60)

    def end(self) -> None:
        """End the server for good; nothing is left."""
        self.ask(STOP)
        eventually(lambda: not self.slurm.jobs(), "the job has ended", 60)
        assert self.slurm.job(self.number)["JobState"] == "COMPLETED"
        assert self.tenant.leftovers() == []


def _path() -> str:
    return os.pathsep.join([str(ROOT), *sys.path])


@contextmanager
def batch(slurm: Slurm, site: Site, file: str, *options: str, **more: str) -> Iterator[Batch]:
    client = site.network.machine()
    with site.tenant("STANDARD") as tenant:
        try:
            yield Batch(slurm, tenant, client, file, *options, **more)
        finally:
            slurm.clear()
            site.network.give_back(client)


def test_the_time_limit_ends_one_run_and_the_next_goes_on(slurm: Slurm, site: Site) -> None:
    limit = ("--nodes=2", "--time=3", "--signal=B:USR1@60")
    with batch(slurm, site, "arkserver.sbatch", *limit) as job:
        job.until_registered()
        job.until_workers("n0 n1")
        job.ask(MAKE)
        job.goes_on()
        job.until_workers("n0 n1")
        job.end()


def test_the_growing_form_takes_its_workers_down_and_up_again(slurm: Slurm, site: Site) -> None:
    worker = {"WORKERS": "1", "ARKSERVER_WORKER_THREADS": "1", "ARKSERVER_WORKER_MEMORY": "1GiB"}
    with batch(slurm, site, "arkserver-growing.sbatch", "--cpus-per-task=1", **worker) as job:
        job.until_registered()
        job.until_workers("arkserver-0")
        job.ask(MAKE)
        job.ask(SCALE)
        job.until_workers("arkserver-0 arkserver-1")
        assert len(slurm.jobs()) == 3
        slurm.run("scancel", "--batch", "--signal=USR1", job.number)  # as Slurm itself does ahead of the limit
        job.goes_on()
        job.until_workers("arkserver-0")
        job.end()
