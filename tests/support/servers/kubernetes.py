"""A control plane of Kubernetes: etcd, kube-apiserver, kube-controller-manager."""

from __future__ import annotations

import json
import ssl
import subprocess
from pathlib import Path
from typing import Any

import httpx

from tests.support.pki import Authority
from tests.support.ports import free_port
from tests.support.servers import binary
from tests.support.servers.process import Process, eventually

ADMIN = "admin-token"
CURRENT = "kubernetes-1.35*"
OLD = "kubernetes-1.20*"
CONTROLLERS = (
    "serviceaccount-token,serviceaccount,garbagecollector,endpointslice,endpointslicemirroring,endpoint,namespace"
)
CONTROLLERS_NOW = (
    "serviceaccount-token-controller,serviceaccount-controller,garbage-collector-controller,"
    "endpointslice-controller,endpointslice-mirroring-controller,endpoints-controller,namespace-controller"
)
WORKLOADS = (
    "statefulset-controller,deployment-controller,replicaset-controller,disruption-controller,"
    "root-ca-certificate-publisher-controller,persistentvolumeclaim-protection-controller"
)
"""Controllers that make pods of workloads, beside those that always run; of current versions."""
AUDIT = """apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  users: ["system:serviceaccount:*"]
- level: Metadata
  userGroups: ["system:serviceaccounts"]
- level: None
"""


class ControlPlane:
    """A real API server on the loopback, until stopped.

    Parameters
    ----------
    folder : Path
        For certificates, data and logs.
    version : str
        Which build: `CURRENT` or `OLD`.
    names : str
        Further addresses of the API server, as ``IP:10.0.0.1``, for its certificate.
    arguments : str
        Further flags of the API server.
    controllers : str
        Further controllers, such as `WORKLOADS`.
    """

    def __init__(
        self, folder: Path, version: str = CURRENT, names: str = "", *arguments: str, controllers: str = ""
    ) -> None:
        self.folder = folder
        self._controllers = ",".join(filter(None, (CONTROLLERS if version == OLD else CONTROLLERS_NOW, controllers)))
        self.old = version == OLD
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        folder.mkdir(parents=True, exist_ok=True)
        self._certificates(names)
        self._etcd_port = free_port()
        self._processes: list[Process] = []
        self._start(version, arguments)
        context = ssl.create_default_context(cafile=self.authority.cert)
        headers = {"Authorization": f"Bearer {ADMIN}"}
        self.admin = httpx.Client(base_url=self.url, verify=context, headers=headers, timeout=20, trust_env=False)
        self.apiserver.until(self._ready, "kube-apiserver")
        self._start_controllers(version)

    def stop(self) -> None:
        self.admin.close()
        for process in reversed(self._processes):
            process.stop()

    # --- what tests ask ----------------------------------------------------------------------------------------------

    def namespace(self, name: str) -> str:
        """Create a namespace with the registration's service account, role and binding in it."""
        self.post("/api/v1/namespaces", {"metadata": {"name": name}})
        eventually(lambda: self.find(f"/api/v1/namespaces/{name}/serviceaccounts/default"), "default service account")
        return name

    def get(self, path: str) -> Any:
        answer = self.admin.get(path)
        answer.raise_for_status()
        return answer.json()

    def find(self, path: str) -> Any:
        """Return the object or None."""
        answer = self.admin.get(path)
        return None if answer.status_code == 404 else answer.raise_for_status().json()

    def items(self, path: str) -> list[Any]:
        found: list[Any] = self.get(path)["items"]
        return found

    def post(self, path: str, body: object) -> Any:
        answer = self.admin.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def delete(self, path: str) -> None:
        assert self.admin.delete(path).is_success

    def merge(self, path: str, body: object) -> Any:
        headers = {"Content-Type": "application/merge-patch+json"}
        answer = self.admin.patch(path, content=json.dumps(body), headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

    def token(self, namespace: str, account: str, seconds: int = 3600) -> str:
        """Return a bound token of a service account (TokenRequest)."""
        body = {"spec": {"expirationSeconds": seconds}}
        answer = self.post(f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token", body)
        return str(answer["status"]["token"])

    # --- starting ----------------------------------------------------------------------------------------------------

    def _certificates(self, names: str) -> None:
        self.authority = Authority(self.folder / "pki")
        names = ",".join(part for part in ("IP:127.0.0.1,DNS:localhost", names) if part)
        self._server = self.authority.issue("apiserver", "/CN=kube-apiserver", usage="serverAuth", names=names)
        self._manager = self.authority.issue("manager", "/O=system:masters/CN=manager", usage="clientAuth")
        self._key = self.folder / "pki" / "sa.key"
        self._public = self.folder / "pki" / "sa.pub"
        subprocess.run(["openssl", "genrsa", "-out", str(self._key), "2048"], check=True, capture_output=True)
        command: list[str | Path] = ["openssl", "rsa", "-in", self._key, "-pubout", "-out", self._public]
        subprocess.run(command, check=True, capture_output=True)
        (self.folder / "tokens.csv").write_text(f'{ADMIN},admin,admin,"system:masters"\nplain,bob,bob,"devs"\n')
        (self.folder / "audit.yaml").write_text(AUDIT)
        self.audit = self.folder / "audit.log"

    def _start(self, version: str, arguments: tuple[str, ...]) -> None:
        etcd_url = f"http://127.0.0.1:{self._etcd_port}"
        peer_url = f"http://127.0.0.1:{free_port()}"
        etcd: list[str | Path] = [
            *(
                binary("etcd-*", "etcd"),
                "--data-dir",
                self.folder / "etcd",
                "--unsafe-no-fsync",
                "--log-level",
                "error",
            ),
            *("--listen-client-urls", etcd_url, "--advertise-client-urls", etcd_url),
            *("--listen-peer-urls", peer_url, "--initial-advertise-peer-urls", peer_url),
            *("--initial-cluster", f"default={peer_url}"),
        ]
        apiserver: list[str | Path] = [
            binary(version, "kube-apiserver"),
            f"--etcd-servers={etcd_url}",
            *("--bind-address=127.0.0.1", f"--secure-port={self.port}", "--advertise-address=127.0.0.1"),
            *("--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/16"),
            f"--tls-cert-file={self._server.cert}",
            f"--tls-private-key-file={self._server.key}",
            f"--client-ca-file={self.authority.cert}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            f"--service-account-key-file={self._public}",
            f"--service-account-signing-key-file={self._key}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--api-audiences=https://kubernetes.default.svc",
            "--authorization-mode=RBAC",
            f"--audit-policy-file={self.folder / 'audit.yaml'}",
            f"--audit-log-path={self.audit}",
            *(["--insecure-port=0"] if self.old else []),
            *arguments,
        ]
        self._processes.append(Process(etcd, self.folder / "etcd.log"))
        self.apiserver = Process(apiserver, self.folder / "apiserver.log")
        self._processes.append(self.apiserver)

    def _ready(self) -> bool:
        try:
            return self.admin.get("/readyz").text == "ok"
        except httpx.TransportError:
            return False

    def _start_controllers(self, version: str) -> None:
        user = {"client-certificate": str(self._manager.cert), "client-key": str(self._manager.key)}
        self.kubeconfig = self.folder / "kubeconfig"
        self.kubeconfig.write_text(json.dumps(kubeconfig(self.url, self.authority.cert, user)))
        manager: list[str | Path] = [
            binary(version, "kube-controller-manager"),
            f"--kubeconfig={self.kubeconfig}",
            f"--controllers={self._controllers}",
            *("--leader-elect=false", "--secure-port=0" if self.old else f"--secure-port={free_port()}"),
            "--bind-address=127.0.0.1",
            f"--service-account-private-key-file={self._key}",
            f"--root-ca-file={self.authority.cert}",
            *(["--port=0"] if self.old else []),
        ]
        self._processes.append(Process(manager, self.folder / "manager.log"))


def kubeconfig(url: str, ca: Path, user: dict[str, str], namespace: str = "default") -> dict[str, Any]:
    """Return a kubeconfig with one context, as JSON says it (which is YAML too)."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": url, "certificate-authority": str(ca)}}],
        "users": [{"name": "me", "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "me", "namespace": namespace}}],
        "current-context": "test",
    }
