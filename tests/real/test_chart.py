"""The chart on a real API server: what Helm leaves there, and the pods it makes, run as processes on the image."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import helm_python
import httpx
import pytest

from arkserver.client import ServerError, connect
from arkserver.cluster.tls import make_certificates
from arkserver.demo import data
from tests.real.site import NODE, ROOT
from tests.support import image
from tests.support.servers import binary, kubernetes
from tests.support.servers.kubelet import Kubelet, Pod
from tests.support.servers.kubernetes import ControlPlane
from tests.support.servers.network import Network
from tests.support.servers.process import eventually

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("chart")]

CHART = ROOT / "deploy" / "k8s" / "chart"
BASE = ROOT / "deploy" / "k8s" / "base"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
MONITORS = {"servicemonitors": ("ServiceMonitor", "v1"), "scrapeconfigs": ("ScrapeConfig", "v1alpha1")}
OF_A_NAMESPACE = {"serviceaccounts default", "configmaps kube-root-ca.crt"}


@pytest.fixture(scope="module")
def cluster(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A current Kubernetes whose controllers make pods, with the resources of the Prometheus operator."""
    folder = tmp_path_factory.mktemp("cluster")
    cluster = ControlPlane(folder, kubernetes.CURRENT, f"IP:{network.host}", controllers=kubernetes.WORKLOADS)
    cluster.post("/api/v1/nodes", {"metadata": {"name": NODE}})
    for plural, (kind, version) in MONITORS.items():
        cluster.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", resource(plural, kind, version))
    yield cluster
    cluster.stop()


def resource(plural: str, kind: str, version: str) -> dict[str, Any]:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    names = {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}
    one = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    group = "monitoring.coreos.com"
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [one]}
    return {"metadata": {"name": f"{plural}.{group}"}, "spec": spec}


def namespace(cluster: ControlPlane, name: str) -> str:
    cluster.namespace(name)
    cluster.merge(f"/api/v1/namespaces/{name}", {"metadata": {"labels": RESTRICTED}})
    return name


def everything(cluster: ControlPlane, name: str) -> set[str]:
    """Return kind and name of all that a namespace holds, whatever its kind, but events."""
    groups = [version["groupVersion"] for g in cluster.get("/apis")["groups"] for version in g["versions"]]
    found = set()
    for path in ["/api/v1", *(f"/apis/{group}" for group in groups)]:
        for kind in cluster.get(path)["resources"]:
            if kind["namespaced"] and "list" in kind["verbs"] and kind["name"] != "events":
                items = cluster.items(f"{path}/namespaces/{name}/{kind['name']}")
                found |= {f"{kind['name']} {item['metadata']['name']}" for item in items}
    return found


def until_left(cluster: ControlPlane, name: str, *further: str) -> None:
    """Wait until a namespace holds what every namespace holds, and `further`."""

    def left() -> bool:
        found = everything(cluster, name)
        assert found == OF_A_NAMESPACE | set(further), found
        return True

    eventually(left, "nothing else is left", 120)


def secret(cluster: ControlPlane, name: str, of: str) -> dict[str, bytes]:
    found = cluster.get(f"/api/v1/namespaces/{name}/secrets/{of}")["data"]
    return {key: base64.b64decode(text) for key, text in found.items()}


def workloads(cluster: ControlPlane, name: str) -> tuple[str, int]:
    """Return the image of the scheduler and the number of workers."""
    path = f"/apis/apps/v1/namespaces/{name}"
    scheduler = cluster.get(f"{path}/statefulsets/lab-scheduler")["spec"]["template"]["spec"]["containers"][0]
    return scheduler["image"], cluster.get(f"{path}/deployments/lab-workers")["spec"]["replicas"]


def test_installed_upgraded_rolled_back_uninstalled(cluster: ControlPlane) -> None:
    name = namespace(cluster, "helm")
    further = {"serviceMonitor": {"enabled": True}, "scrapeConfig": {"enabled": True}}
    claim = {"checkpoints": {"enabled": True, "keep": False}}
    with helm_python.Config(namespace=name, kubeconfig_path=cluster.kubeconfig) as helm:
        helm.install(CHART, "lab", further | claim)
        drawn = {of: secret(cluster, name, of) for of in ("lab-tokens", "lab-tls")}
        assert len(drawn["lab-tokens"]["token"]) == 31
        eventually(lambda: len(cluster.items(f"/api/v1/namespaces/{name}/pods")) == 3, "pods that are admitted")
        helm.upgrade(CHART, "lab", {"image": {"tag": "9"}, "workers": {"replicas": 3}})
        assert workloads(cluster, name) == ("arkserver:9", 3)
        assert "servicemonitors lab" not in everything(cluster, name)
        helm.rollback("lab", version=1)
        assert workloads(cluster, name) == ("arkserver:0.1.0", 2)
        assert "scrapeconfigs lab" in everything(cluster, name)
        assert {of: secret(cluster, name, of) for of in drawn} == drawn  # nobody is locked out
        assert len(helm.history("lab")) == 3
        helm.uninstall("lab")
    until_left(cluster, name)


def test_checkpoints_outlive_the_release(cluster: ControlPlane) -> None:
    name = namespace(cluster, "kept")
    with helm_python.Config(namespace=name, kubeconfig_path=cluster.kubeconfig) as helm:
        helm.install(CHART, "lab", {"checkpoints": {"enabled": True}})
        helm.uninstall("lab")
    until_left(cluster, name, "persistentvolumeclaims lab-checkpoints")


def test_the_kustomize_base_is_applied(cluster: ControlPlane, tmp_path: Path) -> None:
    name = namespace(cluster, "kustomize")
    kubectl = [str(binary("kubectl-*", "kubectl")), "--kubeconfig", str(cluster.kubeconfig), "-n", name]

    def run(*words: str) -> None:
        subprocess.run([*kubectl, *words], check=True, capture_output=True)

    make_certificates(tmp_path / "tls")
    run("create", "secret", "generic", "arkserver-tls", f"--from-file={tmp_path / 'tls'}")
    run("create", "secret", "generic", "arkserver-tokens", "--from-literal=token=abc", "--from-literal=users=")
    run("apply", "-k", str(BASE))
    eventually(lambda: len(cluster.items(f"/api/v1/namespaces/{name}/pods")) == 3, "pods that are admitted")
    run("delete", "-k", str(BASE))
    until_left(cluster, name, "secrets arkserver-tls", "secrets arkserver-tokens")


# --- the pods --------------------------------------------------------------------------------------------------------


class Release:
    """The chart in a namespace, with its pods running."""

    def __init__(self, cluster: ControlPlane, network: Network, folder: Path) -> None:
        self.cluster = cluster
        self.namespace = namespace(cluster, "pods")
        self.cache = folder / "cache"
        files = data.flight_files(self.cache / "arkserver" / "flights")  # from the package, unless it is there
        claims = folder / "kubelet" / "claims"
        claims.mkdir(parents=True)
        (claims / "flights").symlink_to(files.flights.parent)
        self.kubelet = Kubelet(cluster, network, image.build(), self.namespace, folder / "kubelet", NODE)
        self.helm = helm_python.Config(namespace=self.namespace, kubeconfig_path=cluster.kubeconfig)
        self.helm.install(CHART, "lab", values(files.flights.parent))
        self.environment = {"KUBECONFIG": str(cluster.kubeconfig), "XDG_CACHE_HOME": str(self.cache)}
        self.token = secret(cluster, self.namespace, "lab-tokens")["token"].decode()
        self.url = f"k8s://{self.namespace}/lab"

    def close(self) -> None:
        self.helm.close()
        self.kubelet.stop()

    def scheduler(self) -> Pod:
        (found,) = self.kubelet.named("lab-scheduler-")
        return found

    def readiness(self) -> dict[str, Any]:
        assert not self.kubelet.errors, self.kubelet.errors
        try:
            url = f"http://{self.scheduler().machine.address}:9555/readyz"
            answer = httpx.get(url, trust_env=False, timeout=10)
        except (httpx.TransportError, ValueError) as error:
            raise ConnectionError(str(error)) from error
        found: dict[str, Any] = answer.json()
        return found

    def until_complete(self) -> None:
        """Wait until the server is registered and both workers have joined."""

        def complete() -> bool:
            found = self.readiness()
            assert found["registration"]["state"] == "REGISTERED", found
            assert found["workers"] == 2, found
            return bool(self.cluster.find(f"/api/v1/namespaces/{self.namespace}/services/lab"))

        try:
            eventually(complete, "registered, with two workers", 120)
        except AssertionError as error:
            logs = "\n".join(f"--- {pod.name}\n{pod.process.tail()}" for pod in self.kubelet.pods.values())
            raise AssertionError(f"{error}\n{logs}") from None

    def end(self, pod: Pod) -> None:
        """Have a pod ended as a roll-out ends it; return when it has gone."""
        self.cluster.delete(f"/api/v1/namespaces/{self.namespace}/pods/{pod.name}")
        eventually(lambda: pod in self.kubelet.ended, f"{pod.name} ends", 100)

    def sent(self) -> list[str]:
        """Return what the server has asked of the API."""
        user = f"system:serviceaccount:{self.namespace}:lab"
        events = map(json.loads, self.cluster.audit.read_text().splitlines())
        mine = (e for e in events if e["user"]["username"] == user and "objectRef" in e)
        return [f"{e['verb']} {e['objectRef']['resource']} {e['objectRef'].get('name', '')}".rstrip() for e in mine]


def values(flights: Path) -> dict[str, Any]:
    settings = {"distribute_from": 100_000, "renew_s": 1, "lease_s": 5, "warmup": False}
    return {
        "scheduler": {"settings": settings, "drainSeconds": 20},
        "checkpoints": {"enabled": True, "existingClaim": "checkpoints", "endSeconds": 60},
        "volumes": [{"name": "flights", "persistentVolumeClaim": {"claimName": "flights"}}],
        "volumeMounts": [{"name": "flights", "mountPath": str(flights), "readOnly": True}],
    }


@pytest.fixture(scope="module")
def release(cluster: ControlPlane, network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    release = Release(cluster, network, tmp_path_factory.mktemp("release"))
    try:
        release.until_complete()
        yield release
    finally:
        release.close()


pods = pytest.mark.timeout(1800)  # the first time the image is built


@pods
def test_probes_answer_and_workers_join_over_tls(release: Release) -> None:
    pod = release.scheduler()
    eventually(lambda: pod.answered == {"startupProbe", "livenessProbe", "readinessProbe"}, "probes", 30)
    assert "tls://" in pod.process.log.read_text()
    workers = release.kubelet.named("lab-workers-")
    assert len(workers) == 2
    joined = "joined tls://lab-scheduler:8786"  # said a moment after the server knows of it
    eventually(lambda: all(joined in worker.process.log.read_text() for worker in workers), joined, 30)
    assert uids(pod.process.pid) == {10001}


def uids(pid: int) -> set[int]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {int(word) for line in lines if line.startswith("Uid:") for word in line.split()[1:]}


@pods
def test_a_client_finds_it_by_name_and_analyses_the_flights(release: Release) -> None:
    environment = os.environ | release.environment | {"ARKSERVER_TOKEN": release.token}
    command = [sys.executable, "-m", "arkserver.demo", "--url", release.url]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all answers equal those of pandas" in done.stdout


@pods
def test_without_a_token_nobody_is_let_in(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", release.environment["KUBECONFIG"])
    with pytest.raises(ServerError, match="token"):
        connect(release.url)


@pods
def test_a_worker_that_is_replaced_hands_its_blocks_over(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", release.environment["KUBECONFIG"])
    with connect(release.url, release.token) as session:
        x = session.arange(1_000_000)
        leaving = release.kubelet.named("lab-workers-")[0]
        release.end(leaving)
        assert leaving.status == 0, leaving.process.tail()
        assert int(x.sum()) == 499_999_500_000
    release.until_complete()


@pods
def test_sigterm_drains_and_the_service_is_withdrawn(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", release.environment["KUBECONFIG"])
    leaving, answers = release.scheduler(), []
    with connect(release.url, release.token) as session:
        x = session.arange(1_000_000)
        thread = threading.Thread(target=lambda: answers.append(session.text("sleep", seconds=4.0)))
        thread.start()
        time.sleep(1)  # the command runs
        release.end(leaving)
        thread.join()
    assert answers == ["slept"]
    assert leaving.status == 0, leaving.process.tail()
    assert {"delete services lab", "delete services lab-metrics"} <= set(release.sent())
    release.until_complete()  # the next pod is there under the same name, and the workers have found it
    with connect(release.url, release.token) as session:
        assert x.name in {symbol["name"] for symbol in session.symbols()}  # from the checkpoint
        assert int(session.arange(1_000_000).sum()) == 499_999_500_000


@pods
def test_uninstalling_ends_everything_in_order(release: Release) -> None:
    running = list(release.kubelet.pods.values())
    release.helm.uninstall("lab")
    until_left(release.cluster, release.namespace)
    assert {pod.name: pod.status for pod in running} == {pod.name: 0 for pod in running}
