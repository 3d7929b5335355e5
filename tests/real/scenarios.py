"""What can happen to a registered server, each as a function that returns what was seen and what should have been."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.real.site import CLIENT, METRICS, Server, Site, Tenant
from tests.support.pki import Authority
from tests.support.servers.network import Machine
from tests.support.servers.process import eventually

OUTAGE_S = 60


@dataclass
class Seen:
    """One comparison."""

    what: str
    endpoint: str
    """The service that it is about; empty: both."""
    found: Any
    wanted: Any


@dataclass
class Run:
    """One scenario under way."""

    tenant: Tenant
    endpoint: str
    end_by: str
    seen: list[Seen] = field(default_factory=list)
    servers: list[Server] = field(default_factory=list)

    def start(self, machine: Machine | None = None) -> Server:
        server = self.tenant.server(machine)
        self.servers.append(server)
        return server

    def compare(self, what: str, *machines: Machine) -> None:
        """See whether the cluster comes to hold what it should while the servers on `machines` are registered."""
        for service in (CLIENT, METRICS):
            wanted = self.tenant.wanted(service, *machines)
            with contextlib.suppress(AssertionError):  # what is there instead is compared by the test
                eventually(partial(self._holds, service, wanted), what, 15)
            self.seen.append(Seen(what, service, self.tenant.holds(service), wanted))

    def _holds(self, service: str, wanted: object) -> bool:
        return self.tenant.holds(service) == wanted

    def note(self, what: str, found: Any, wanted: Any, endpoint: str = "") -> None:
        self.seen.append(Seen(what, endpoint, found, wanted))

    def finish(self, server: Server, *left: Machine) -> None:
        """End a server, and see that it served all the time and left nothing."""
        self.note(f"requests to {server.machine.name}", server.served(), "failed 0")
        self.note("exit status", server.end(self.end_by), 0)
        self.note("a token in the log", self.tenant.shown_tokens(server), [])
        self.compare(f"after {self.end_by}", *left)
        if not left:
            self.note("left behind", self.tenant.leftovers(), [])


def first_start(run: Run) -> None:
    server = run.start()
    server.until_registered()
    run.compare("registered", server.machine)
    run.finish(server)


def restart_after_kill(run: Run) -> None:
    killed = run.start()
    killed.until_registered()
    run.note(f"requests to {killed.machine.name}", killed.served(), "failed 0")
    killed.kill()
    run.compare("the dead one's entry is still there", killed.machine)
    server = run.start(killed.machine)
    server.until_registered()
    run.compare("registered again", server.machine)
    run.finish(server)


def address_changed(run: Run) -> None:
    server = run.start()
    server.until_registered()
    address = run.tenant.site.network.address(int(server.machine.address.rpartition(".")[2]) + 100)
    server.machine.readdress(address)
    if run.tenant.deployment == "KUBERNETES":
        run.tenant.set_pod_address(server.machine, address)
    run.compare("the new address", server.machine)
    run.finish(server)


def second_instance(run: Run) -> None:
    first, second = run.start(), run.start()
    first.until_registered()
    second.until_registered()
    run.compare("both", first.machine, second.machine)
    if run.tenant.deployment == "KUBERNETES":
        path = f"/api/v1/namespaces/{run.tenant.name}/pods/{first.machine.name}?gracePeriodSeconds=0"
        run.note(f"requests to {first.machine.name}", first.served(), "failed 0")
        run.note("exit status", first.end(run.end_by), 0)
        run.tenant.cluster.delete(path)
        run.compare("the other alone", second.machine)
    else:
        run.finish(first, second.machine)
    run.finish(second)


def service_deleted(run: Run) -> None:
    server = run.start()
    server.until_registered()
    for service in (CLIENT, METRICS):
        run.tenant.cluster.delete(f"/api/v1/namespaces/{run.tenant.name}/services/{service}")
    run.compare("back again", server.machine)
    run.finish(server)


def slice_edited(run: Run) -> None:
    server = run.start()
    server.until_registered()
    run.compare("registered", server.machine)
    path = run.tenant.slices_path()
    for service in (CLIENT, METRICS):
        for part in run.tenant.cluster.items(f"{path}?labelSelector=kubernetes.io/service-name={service}"):
            changes = {
                "endpoints": [{"addresses": ["192.0.2.99"]}],
                "ports": [{"name": "x", "port": 1, "protocol": "TCP"}],
            }
            run.tenant.cluster.merge(f"{path}/{part['metadata']['name']}", changes)
    run.compare("as before", server.machine)
    run.finish(server)


def api_down_at_start(run: Run) -> None:
    run.tenant.gateway.shut()
    server = run.start()
    found = server.until_failing("cannot reach")
    run.note("ready all the same", server.readiness()["code"], 200)
    time.sleep(OUTAGE_S)
    run.note("tries again", "next_try" in found, True)
    run.note("nothing registered", run.tenant.leftovers(), [])
    run.tenant.gateway.open()
    server.until_registered()
    run.compare("registered", server.machine)
    run.finish(server)


def api_down_while_running(run: Run) -> None:
    server = run.start()
    server.until_registered()
    run.tenant.gateway.shut()
    server.until_failing("cannot reach")
    run.compare("as it was", server.machine)
    for service in (CLIENT, METRICS):
        run.tenant.cluster.delete(f"/api/v1/namespaces/{run.tenant.name}/services/{service}")
    run.tenant.gateway.open()
    server.until_registered()
    run.compare("registered", server.machine)
    run.finish(server)


def token_rotated(run: Run) -> None:
    old = run.tenant.token_file.read_text()
    server = run.start()
    server.until_registered()
    run.tenant.bind_token("second")
    run.tenant.end_token("first", old)
    server.until_registered()
    for service in (CLIENT, METRICS):
        run.tenant.cluster.delete(f"/api/v1/namespaces/{run.tenant.name}/services/{service}")
    run.compare("repaired with the new token", server.machine)
    run.finish(server)


def token_expired(run: Run) -> None:
    server = run.start()
    server.until_registered()
    run.tenant.end_token("first", run.tenant.token_file.read_text())
    server.until_failing("does not accept the credentials (401)")
    run.tenant.bind_token("second")
    server.until_registered()
    run.compare("registered with a new token", server.machine)
    run.finish(server)


def right_missing(run: Run) -> None:
    rules = run.tenant.role["rules"]
    run.tenant.set_rules([rule for rule in rules if rule["resources"] != ["leases"]])
    server = run.start()
    server.until_failing("the right to get leases")
    run.tenant.set_rules(rules)
    server.until_registered()
    run.compare("registered with the right", server.machine)
    run.finish(server)


def wrong_ca(run: Run) -> None:
    right = run.tenant.ca_file.read_bytes()
    run.tenant.ca_file.write_bytes(Authority(run.tenant.folder / "other", "other").cert.read_bytes())
    server = run.start()
    server.until_failing("not trusted")
    run.note("nothing registered", run.tenant.leftovers(), [])
    user = f"system:serviceaccount:{run.tenant.name}:arkserver"
    run.note("nothing sent", user in run.tenant.cluster.audit.read_text(), False)
    run.tenant.ca_file.write_bytes(right)
    server.until_registered()
    run.compare("registered with the right CA", server.machine)
    run.finish(server)


def foreign_service(run: Run) -> None:
    services = f"/api/v1/namespaces/{run.tenant.name}/services"
    spec = {"ports": [{"port": 80, "protocol": "TCP"}], "selector": {"app": "shop"}}
    body = {"metadata": {"name": run.endpoint, "labels": {"app.kubernetes.io/managed-by": "Helm"}}, "spec": spec}
    before = run.tenant.cluster.post(services, body)
    server = run.start()
    found = server.until_failing(f"{run.tenant.name}/{run.endpoint} belongs to Helm")
    run.note("says what to do", "EXTERNAL_SERVICE_NAME" in found["last_error"], True)
    run.note(f"requests to {server.machine.name}", server.served(), "failed 0")
    run.note("exit status", server.end(run.end_by), 0)
    run.note("untouched", run.tenant.cluster.get(f"{services}/{run.endpoint}"), before, run.endpoint)
    other = METRICS if run.endpoint == CLIENT else CLIENT
    run.note("nothing else", run.tenant.cluster.find(f"{services}/{other}"), None)
    ours = [name for name in run.tenant.leftovers() if run.endpoint not in name or name.startswith("Lease")]
    run.note("left behind", ours, [])


SCENARIOS: tuple[Callable[[Run], None], ...] = (
    api_down_at_start,  # the longest first
    token_rotated,
    token_expired,
    first_start,
    restart_after_kill,
    address_changed,
    second_instance,
    service_deleted,
    slice_edited,
    api_down_while_running,
    right_missing,
    wrong_ca,
    foreign_service,
)


def play(site: Site, deployment: str, scenario: Callable[[Run], None], end_by: str, endpoint: str) -> list[Seen]:
    """Run one scenario from an empty namespace, and return what was seen."""
    with site.tenant(deployment) as tenant:
        run = Run(tenant, endpoint, end_by)
        scenario(run)
        return run.seen
