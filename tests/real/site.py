"""The ground of the tests with a real cluster: a control plane, a network of machines, and servers on them."""

from __future__ import annotations

import contextlib
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml  # comes with Dask

from tests.support.server import Raw
from tests.support.servers.gateway import Gateway
from tests.support.servers.kubernetes import ControlPlane
from tests.support.servers.network import Machine, Network
from tests.support.servers.process import Process, eventually

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "deploy" / "k8s" / "registration"
CLIENT, METRICS = "lab", "lab-metrics"
PORT, METRICS_PORT = 5555, 9555
NODE = "node"
RENEW_S, LEASE_S = 0.5, 3


@dataclass
class Site:
    """A control plane that machines of a network can reach through gateways."""

    cluster: ControlPlane
    network: Network
    folder: Path

    def tenant(self, deployment: str, *, role: str = "", is_open: bool = True) -> Tenant:
        """Return a namespace of its own, with the rights of `deployment`, and a door to the API."""
        name = f"t{secrets.token_hex(4)}"
        return Tenant(
            self, name, deployment, role or ("role" if deployment == "STANDARD" else "role-internal"), is_open
        )


class Tenant:
    """One namespace, one way to the API, and the servers that are registered there."""

    def __init__(self, site: Site, name: str, deployment: str, role: str, is_open: bool) -> None:
        self.site = site
        self.name = name
        self.deployment = deployment
        self.folder = site.folder / name
        self.folder.mkdir()
        self.cluster = site.cluster
        self.cluster.namespace(name)
        self._grant(role)
        self.gateway = Gateway(("127.0.0.1", site.cluster.port), site.network.host, is_open=is_open)
        self.token_file = self.folder / "token"
        self.ca_file = self.folder / "ca.crt"
        self.ca_file.write_bytes(site.cluster.authority.cert.read_bytes())
        (self.folder / "namespace").write_text(name)
        self._tokens: list[str] = []
        self.bind_token("first")
        self._workload: dict[str, Any] | None = None
        self._exit = contextlib.ExitStack()
        self._exit.enter_context(self.gateway)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    # --- credentials -------------------------------------------------------------------------------------------------

    def _grant(self, role: str) -> None:
        api = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{self.name}"
        rule = yaml.safe_load((MANIFESTS / f"{role}.yaml").read_text())
        rule["metadata"]["name"] = "registration"
        self.role = self.cluster.post(f"{api}/roles", rule)
        self.cluster.post(f"/api/v1/namespaces/{self.name}/serviceaccounts", {"metadata": {"name": "arkserver"}})
        binding = {
            "metadata": {"name": "registration"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "registration"},
            "subjects": [{"kind": "ServiceAccount", "name": "arkserver", "namespace": self.name}],
        }
        self.cluster.post(f"{api}/rolebindings", binding)

    def set_rules(self, rules: list[dict[str, Any]]) -> None:
        path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{self.name}/roles/registration"
        self.cluster.merge(path, {"rules": rules})

    def bind_token(self, name: str) -> str:
        """Write a new token to the token file; it is bound to a Secret of that name, and dies with it."""
        body = {"metadata": {"name": f"bind-{name}"}, "type": "Opaque"}
        uid = self.cluster.post(f"/api/v1/namespaces/{self.name}/secrets", body)["metadata"]["uid"]
        reference = {"kind": "Secret", "apiVersion": "v1", "name": f"bind-{name}", "uid": uid}
        request = {"spec": {"expirationSeconds": 3600, "boundObjectRef": reference}}
        path = f"/api/v1/namespaces/{self.name}/serviceaccounts/arkserver/token"
        token = str(self.cluster.post(path, request)["status"]["token"])
        self._tokens.append(token)
        scratch = self.folder / "token.new"
        scratch.write_text(token)
        scratch.replace(self.token_file)
        return token

    def shown_tokens(self, server: Server) -> list[str]:
        """Return the tokens that can be read in the server's log."""
        text = server.process.log.read_text()
        return [token for token in self._tokens if token in text]

    def end_token(self, name: str, token: str) -> None:
        """Make the API refuse `token`, and wait until it does."""
        self.cluster.delete(f"/api/v1/namespaces/{self.name}/secrets/bind-{name}")
        headers = {"Authorization": f"Bearer {token}"}
        path = f"/api/v1/namespaces/{self.name}/services"
        eventually(lambda: self.cluster.admin.get(path, headers=headers).status_code == 401, "the token is refused", 60)

    # --- servers -----------------------------------------------------------------------------------------------------

    def server(self, machine: Machine | None = None, **environment: str) -> Server:
        """Start a server on a machine of its own; it need not be registered yet."""
        machine = machine or self._machine()
        server = Server(self, machine, environment)
        self._exit.callback(server.close)
        return server

    def _machine(self) -> Machine:
        machine = self.site.network.machine()
        self._exit.callback(self.site.network.give_back, machine)
        return machine

    def environment(self, machine: Machine) -> dict[str, str]:
        """Return the settings of a server on `machine`."""
        common = {
            "ARKSERVER_SYSTEM_TYPE": "KUBERNETES",
            "ARKSERVER_DEPLOYMENT": self.deployment,
            "EXTERNAL_SERVICE_NAME": CLIENT,
            "ARKSERVER_INSTANCE": machine.name,
            "ARKSERVER_RENEW_S": str(RENEW_S),
            "ARKSERVER_LEASE_S": str(LEASE_S),
        }
        if self.deployment == "STANDARD":
            return common | {
                "K8S_HOST": f"https://{self.gateway.host}:{self.gateway.port}",
                "NAMESPACE": self.name,
                "CACERT_FILE": str(self.ca_file),
                "SSL_TOKEN_FILE": str(self.token_file),
            }
        self.pod(machine)
        return common | {
            "KUBERNETES_SERVICE_HOST": self.gateway.host,
            "KUBERNETES_SERVICE_PORT": str(self.gateway.port),
            "ARKSERVER_SERVICE_ACCOUNT": str(self.folder),  # token, ca.crt, namespace: as in a pod
            "POD_NAME": machine.name,
        }

    def workload(self) -> dict[str, Any]:
        """Return the Deployment and its ReplicaSet that pods belong to, as their controllers would make them."""
        if self._workload is None:
            labels = {"app": "arkserver", "pod-template-hash": "abc"}
            spec = {"selector": {"matchLabels": {"app": "arkserver"}}, "template": _template({"app": "arkserver"})}
            path = f"/apis/apps/v1/namespaces/{self.name}"
            deployment = self.cluster.post(f"{path}/deployments", {"metadata": {"name": "lab"}, "spec": spec})
            owner = _controller("apps/v1", "Deployment", deployment)
            spec = {"selector": {"matchLabels": labels}, "template": _template(labels)}
            replicas = {"metadata": {"name": "lab-abc", "ownerReferences": [owner]}, "spec": spec}
            found = self.cluster.post(f"{path}/replicasets", replicas)
            self._workload = {"deployment": deployment, "replicas": found, "labels": labels}
        return self._workload

    def pod(self, machine: Machine) -> None:
        """Create the pod that a server on `machine` runs in, running and ready, unless it is there."""
        path = f"/api/v1/namespaces/{self.name}/pods"
        if self.cluster.find(f"{path}/{machine.name}"):
            return
        workload = self.workload()
        owner = _controller("apps/v1", "ReplicaSet", workload["replicas"])
        metadata = {"name": machine.name, "labels": workload["labels"], "ownerReferences": [owner]}
        self.cluster.post(path, {"metadata": metadata, "spec": _template({})["spec"] | {"nodeName": NODE}})
        self.set_pod_address(machine, machine.address)

    def set_pod_address(self, machine: Machine, address: str) -> None:
        status = {
            "phase": "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "conditions": [{"type": "Ready", "status": "True"}],
        }
        self.cluster.merge(f"/api/v1/namespaces/{self.name}/pods/{machine.name}/status", {"status": status})

    # --- what the cluster holds --------------------------------------------------------------------------------------

    def slices_path(self) -> str:
        version = "v1beta1" if self.cluster.old else "v1"
        return f"/apis/discovery.k8s.io/{version}/namespaces/{self.name}/endpointslices"

    def holds(self, service: str) -> dict[str, Any]:
        """Return what the cluster holds about `service`, and the leases, in a form that can be compared."""
        found = self.cluster.find(f"/api/v1/namespaces/{self.name}/services/{service}")
        return {
            "service": found and _service(found),
            "addresses": sorted(self._addresses(service)),
            "leases": sorted(self._leases(service)),
        }

    def _addresses(self, service: str) -> Iterator[tuple[str, int]]:
        for part in self.cluster.items(f"{self.slices_path()}?labelSelector=kubernetes.io/service-name={service}"):
            for endpoint in part["endpoints"] or []:
                for address in endpoint["addresses"]:
                    yield address, part["ports"][0]["port"]

    def _leases(self, service: str) -> Iterator[str]:
        for lease in self.cluster.items(f"/apis/coordination.k8s.io/v1/namespaces/{self.name}/leases"):
            if service in lease["metadata"]["annotations"]["arkserver/services"].split(","):
                yield lease["spec"]["holderIdentity"].partition("/")[0]

    def wanted(self, service: str, *machines: Machine) -> dict[str, Any]:
        """Return what the cluster should hold about `service` while the servers on `machines` are registered."""
        if not machines:
            return {"service": None, "addresses": [], "leases": []}
        port = PORT if service == CLIENT else METRICS_PORT
        outside = self.deployment == "STANDARD"
        name = "arkouda-client" if service == CLIENT else "metrics"
        workload = None if outside else self.workload()["deployment"]
        selector = {} if outside else {"app": "arkserver"}
        addresses = [address for machine in machines for address in self._registered(machine)]
        return {
            "service": {
                "ports": [(name, 5555 if service == CLIENT else 5556, name if outside else port)],
                "selector": selector,
                "owners": [] if workload is None else [("Deployment", workload["metadata"]["uid"])],
            },
            "addresses": sorted((address, port) for address in addresses),
            "leases": sorted(machine.name for machine in machines),
        }

    def _registered(self, machine: Machine) -> list[str]:
        return [machine.address]

    def leftovers(self) -> list[str]:
        """Return the names of everything in the namespace that a registration may leave behind."""
        paths = {
            "Service": f"/api/v1/namespaces/{self.name}/services",
            "Endpoints": f"/api/v1/namespaces/{self.name}/endpoints",
            "EndpointSlice": self.slices_path(),
            "Lease": f"/apis/coordination.k8s.io/v1/namespaces/{self.name}/leases",
        }
        return [
            f"{kind} {found['metadata']['name']}" for kind, path in paths.items() for found in self.cluster.items(path)
        ]


@dataclass
class Server:
    """A server process on a machine, and somebody who asks it all the time."""

    tenant: Tenant
    machine: Machine
    environment: Mapping[str, str]
    pinger: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.folder = self.tenant.folder / self.machine.name
        self.folder.mkdir(exist_ok=True)
        environment = self.tenant.environment(self.machine) | dict(self.environment)
        flags = ["--host", "0.0.0.0", "--port", str(PORT), "--metrics-port", str(METRICS_PORT), "--scheduler", "false"]
        connection = self.folder / "connection"
        connection.unlink(missing_ok=True)
        command = self.machine.command(
            *("env", "-C", str(self.folder), sys.executable, "-m", "arkserver.cli", "start", *flags),
            *("--connection-file", str(connection)),
        )
        self.process = Process(command, self.folder / "server.log", environment)
        self.process.until(connection.exists, "arkserver")
        self.log = self.folder / "pinger.log"
        self._ask()

    def _ask(self) -> None:
        command = self.machine.command(
            sys.executable, "-m", "tests.support.pinger", f"tcp://127.0.0.1:{PORT}", self.log
        )
        self.pinger = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT)

    def served(self) -> str:
        """Stop asking, and return how that went: ``failed 0``."""
        if self.pinger is None:
            return "nobody asked"
        assert self.pinger.stdin is not None
        self.pinger.stdin.close()
        self.pinger.wait(20)
        self.pinger = None
        words = self.log.read_text().split()
        return f"failed {words[-1]}" if int(words[-3]) > 0 else "nobody asked"

    def readiness(self) -> dict[str, Any]:
        """Return what ``/readyz`` says."""
        try:
            answer = httpx.get(f"http://{self.machine.address}:{METRICS_PORT}/readyz", trust_env=False, timeout=20)
        except httpx.TransportError as error:
            raise ConnectionError(str(error)) from error  # as `eventually` knows it
        found: dict[str, Any] = answer.json()
        return found | {"code": answer.status_code}

    def registration(self) -> dict[str, Any]:
        found: dict[str, Any] = self.readiness()["registration"]
        return found

    def until_registered(self) -> None:
        eventually(lambda: self.registration()["state"] == "REGISTERED", f"registered\n{self.process.tail()}", 40)

    def until_failing(self, text: str) -> dict[str, Any]:
        def failing() -> dict[str, Any]:
            found = self.registration()
            assert found["state"] == "FAILING", found
            assert text in found["last_error"], found
            return found

        return eventually(failing, f"failing with {text!r}", 40)

    def end(self, way: str) -> int:
        """End the server: by a client's ``shutdown``, SIGTERM or SIGINT; return its exit status."""
        if way == "shutdown":
            with Raw(f"tcp://{self.machine.address}:{PORT}") as raw:
                raw.reply("shutdown")
        else:
            self.process.signal(getattr(signal, way))
        return self.process.wait(30)

    def kill(self) -> None:
        self.process.kill()

    def close(self) -> None:
        if self.pinger is not None:
            self.served()
        self.process.stop()


def _service(found: dict[str, Any]) -> dict[str, Any]:
    spec = found["spec"]
    return {
        "ports": [(port["name"], port["port"], port["targetPort"]) for port in spec["ports"]],
        "selector": spec.get("selector") or {},
        "owners": [(owner["kind"], owner["uid"]) for owner in found["metadata"].get("ownerReferences") or []],
    }


def _template(labels: dict[str, str]) -> dict[str, Any]:
    return {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "arkserver", "image": "arkserver"}]}}


def _controller(version: str, kind: str, found: dict[str, Any]) -> dict[str, Any]:
    meta = found["metadata"]
    return {"apiVersion": version, "kind": kind, "name": meta["name"], "uid": meta["uid"], "controller": True}
