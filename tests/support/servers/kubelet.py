"""What runs pods where there is no node: each pod of a namespace as a process on the image of the project.

It does what a kubelet, a scheduler and the cluster's name service do as far as the chart's pods can see it: volumes,
environment, user, probes, grace periods, the hosts file, restarts.
"""

from __future__ import annotations

import base64
import contextlib
import math
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from tests.support import image
from tests.support.image import Image, Mount
from tests.support.servers.gateway import Gateway
from tests.support.servers.kubernetes import ControlPlane
from tests.support.servers.network import Machine, Network
from tests.support.servers.process import Process

Object = dict[str, Any]
UNITS = {"m": 1e-3, "": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "k": 1e3, "M": 1e6, "G": 1e9}


@dataclass
class Pod:
    """One pod that runs here."""

    manifest: Object
    machine: Machine
    folder: Path
    hosts: Path
    process: Process
    answered: set[str] = field(default_factory=set)
    """probes that were answered with success at least once"""
    ready: bool | None = None
    """what the API was told"""
    asked_to_end: float = 0.0
    status: int | None = None
    """how it ended"""

    @property
    def name(self) -> str:
        return str(self.manifest["metadata"]["name"])

    @property
    def container(self) -> Object:
        found: Object = self.manifest["spec"]["containers"][0]
        return found


class Kubelet:
    """Runs the pods of one namespace until stopped."""

    def __init__(
        self, cluster: ControlPlane, network: Network, found: Image, namespace: str, folder: Path, node: str
    ) -> None:
        self.cluster, self.network, self.image, self.namespace, self.node = cluster, network, found, namespace, node
        self.folder = folder
        self.pods: dict[str, Pod] = {}
        """by uid"""
        self.ended: list[Pod] = []
        self.errors: list[BaseException] = []
        self.gateway = Gateway(("127.0.0.1", cluster.port), network.host)
        self._api = f"/api/v1/namespaces/{namespace}"
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()
        for pod in self.pods.values():
            pod.process.stop()
            self.network.give_back(pod.machine)
        self.gateway.shut()

    def named(self, start: str) -> list[Pod]:
        """Return the running pods whose names begin so."""
        return [pod for pod in self.pods.values() if pod.name.startswith(start)]

    # --- the loop ----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.wait(0.2):
            try:
                self._look()
            except BaseException as error:  # noqa: BLE001 - shown by the test that waits
                self.errors.append(error)
                return

    def _look(self) -> None:
        there = {pod["metadata"]["uid"]: pod for pod in self.cluster.items(f"{self._api}/pods")}
        for uid, manifest in there.items():
            if uid not in self.pods and "deletionTimestamp" not in manifest["metadata"]:
                self.pods[uid] = self._start(manifest)
        self._write_hosts()
        for uid, pod in list(self.pods.items()):
            if uid not in there or "deletionTimestamp" in there[uid]["metadata"]:
                self._end(uid, pod, there.get(uid))
            else:
                self._keep(pod)

    def _end(self, uid: str, pod: Pod, manifest: Object | None) -> None:
        if not pod.asked_to_end:
            pod.asked_to_end = time.monotonic()
            pod.process.signal(signal.SIGTERM)
            self._set_status(pod, ready=False)
        grace = (manifest or pod.manifest)["metadata"].get("deletionGracePeriodSeconds", 0)
        if pod.process.running():
            if time.monotonic() - pod.asked_to_end < grace:
                return
            pod.process.signal(signal.SIGKILL)
        pod.status = pod.process.wait()
        self.ended.append(self.pods.pop(uid))
        self.network.give_back(pod.machine)
        self.cluster.admin.request("DELETE", f"{self._api}/pods/{pod.name}", json={"gracePeriodSeconds": 0})

    def _keep(self, pod: Pod) -> None:
        if not pod.process.running():  # restartPolicy: Always
            pod.process.wait()
            pod.process.start()
        for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
            if (probe := pod.container.get(kind)) and self._answers(pod, probe["httpGet"]):
                pod.answered.add(kind)
            elif kind == "readinessProbe":
                pod.answered.discard(kind)
        self._set_status(pod, ready="readinessProbe" in pod.answered or "readinessProbe" not in pod.container)

    def _answers(self, pod: Pod, target: Object) -> bool:
        ports = {port["name"]: port["containerPort"] for port in pod.container.get("ports", [])}
        url = f"http://{pod.machine.address}:{ports[target['port']]}{target['path']}"
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(url, trust_env=False, timeout=5).is_success
        return False

    def _set_status(self, pod: Pod, *, ready: bool) -> None:
        if ready is pod.ready:
            return
        pod.ready, address = ready, pod.machine.address
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        condition = {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": now}
        status = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "conditions": [condition]}
        path = f"{self._api}/pods/{pod.name}/status"
        with contextlib.suppress(AssertionError):  # it has just gone
            self.cluster.merge(path, {"status": status})

    # --- one pod -----------------------------------------------------------------------------------------------------

    def _start(self, manifest: Object) -> Pod:
        name = manifest["metadata"]["name"]
        binding = {"metadata": {"name": name}, "target": {"kind": "Node", "name": self.node}}
        self.cluster.post(f"{self._api}/pods/{name}/binding", binding)
        machine = self.network.machine()
        folder = self.folder / manifest["metadata"]["uid"]
        folder.mkdir(parents=True)
        hosts = folder / "hosts"
        hosts.write_text(f"127.0.0.1 localhost\n{machine.address} {name}\n")
        spec, container = manifest["spec"], manifest["spec"]["containers"][0]
        security = spec["securityContext"]
        assert security["runAsNonRoot"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        environment = self._environment(manifest, container)
        words = [_expanded(word, environment) for word in container["command"]]
        command = image.command(
            self.image,
            folder / "mounts",
            [Mount(hosts, "/etc/hosts"), *self._mounts(manifest, container, folder / "volumes")],
            ["-i", *(f"{key}={value}" for key, value in environment.items()), *words],
            user=f"{security['runAsUser']}:{security['runAsGroup']}",
            group=str(security["fsGroup"]),
            host=name,
        )
        process = Process(machine.command(*command), folder / "log")
        return Pod(manifest, machine, folder, hosts, process)

    def _environment(self, manifest: Object, container: Object) -> dict[str, str]:
        own = {"KUBERNETES_SERVICE_HOST": self.gateway.host, "KUBERNETES_SERVICE_PORT": str(self.gateway.port)}
        if manifest["spec"].get("enableServiceLinks", True):
            own |= {k: v for found in self.cluster.items(f"{self._api}/services") for k, v in _links(found)}
        given = {entry["name"]: self._value(entry, manifest, container) for entry in container.get("env", [])}
        return self.image.environment | own | given

    def _value(self, entry: Object, manifest: Object, container: Object) -> str:
        source = entry.get("valueFrom", {})
        if secret := source.get("secretKeyRef"):
            return self._secret(secret["name"])[secret["key"]].decode()
        if resource := source.get("resourceFieldRef"):
            limits = container.get("resources", {}).get("limits", {})
            share = _quantity(limits[resource["resource"].partition(".")[2]]) / _quantity(resource["divisor"])
            return str(math.ceil(share))
        if path := source.get("fieldRef", {}).get("fieldPath"):
            return _field(manifest, path)
        return str(entry.get("value", ""))

    def _secret(self, name: str) -> dict[str, bytes]:
        data = self.cluster.get(f"{self._api}/secrets/{name}").get("data") or {}
        return {key: base64.b64decode(text) for key, text in data.items()}

    # --- volumes -----------------------------------------------------------------------------------------------------

    def _mounts(self, manifest: Object, container: Object, folder: Path) -> Iterator[Mount]:
        group = manifest["spec"]["securityContext"]["fsGroup"]
        sources = {
            volume["name"]: self._volume(volume, manifest, folder, group) for volume in manifest["spec"]["volumes"]
        }
        for mount in container["volumeMounts"]:
            yield Mount(sources[mount["name"]], mount["mountPath"], mount.get("readOnly", False))

    def _volume(self, volume: Object, manifest: Object, folder: Path, group: int) -> Path:
        if claim := volume.get("persistentVolumeClaim"):
            place = self.folder / "claims" / str(claim["claimName"])
            place.mkdir(parents=True, exist_ok=True)
            _give(place, group, 0o2775)
            return place
        place = folder / str(volume["name"])
        place.mkdir(parents=True)
        _give(place, group, 0o2777 if "emptyDir" in volume else 0o2755)
        if secret := volume.get("secret"):
            contents = self._secret(secret["secretName"])
            keys = secret.get("items") or [{"key": key, "path": key} for key in contents]
            _write(place, {item["path"]: contents[item["key"]] for item in keys}, group, secret["defaultMode"])
        for source in volume.get("projected", {}).get("sources", []):
            _write(place, self._projected(source, manifest), group, 0o640)
        return place

    def _projected(self, source: Object, manifest: Object) -> dict[str, bytes]:
        if token := source.get("serviceAccountToken"):
            account = manifest["spec"]["serviceAccountName"]
            text = self.cluster.token(self.namespace, account, token["expirationSeconds"])
            return {token["path"]: text.encode()}
        if found := source.get("configMap"):
            data = self.cluster.get(f"{self._api}/configmaps/{found['name']}")["data"]
            return {item["path"]: data[item["key"]].encode() for item in found["items"]}
        items = source["downwardAPI"]["items"]
        return {item["path"]: _field(manifest, item["fieldRef"]["fieldPath"]).encode() for item in items}

    # --- names -------------------------------------------------------------------------------------------------------

    def _write_hosts(self) -> None:
        """Let the pods find Services by name, where a cluster has its name service and kube-proxy."""
        lines = []
        for found in self.cluster.items(
            "/apis/discovery.k8s.io/v1" + self._api.removeprefix("/api/v1") + "/endpointslices"
        ):
            service = found["metadata"]["labels"]["kubernetes.io/service-name"]
            names = [service, f"{service}.{self.namespace}", f"{service}.{self.namespace}.svc"]
            ready = [e for e in found["endpoints"] or [] if e["conditions"]["ready"]]
            lines += [f"{address} {' '.join(names)}" for e in ready for address in e["addresses"]]
        for pod in self.pods.values():
            own = f"127.0.0.1 localhost\n{pod.machine.address} {pod.name}\n"
            pod.hosts.write_text(own + "".join(f"{line}\n" for line in lines))


def _field(manifest: Object, path: str) -> str:
    found: Any = manifest
    for word in path.split("."):
        found = found[word]
    return str(found)


def _quantity(text: str) -> float:
    number, unit = re.fullmatch(r"([0-9.]+)([a-zA-Z]*)", str(text)).groups()  # type: ignore[union-attr]
    return float(number) * UNITS[unit]


def _expanded(word: str, environment: dict[str, str]) -> str:
    replace: Callable[[re.Match[str]], str] = lambda found: environment.get(found[1], found[0])  # noqa: E731
    return re.sub(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)", replace, word)


def _links(service: Object) -> Iterator[tuple[str, str]]:
    """Yield the variables that a pod gets for a Service unless it does without."""
    spec, stem = service["spec"], service["metadata"]["name"].upper().replace("-", "_")
    if spec.get("clusterIP") in (None, "", "None"):
        return
    port = spec["ports"][0]["port"]
    yield from {
        f"{stem}_SERVICE_HOST": spec["clusterIP"],
        f"{stem}_SERVICE_PORT": str(port),
        f"{stem}_PORT": f"tcp://{spec['clusterIP']}:{port}",
    }.items()


def _write(folder: Path, files: dict[str, bytes], group: int, mode: int) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)
        _give(folder / name, group, mode)


def _give(path: Path, group: int, mode: int) -> None:
    os.chown(path, 0, group)
    path.chmod(mode)
