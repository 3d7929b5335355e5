"""The server's own pod: which labels select it, and what it belongs to."""

from __future__ import annotations

from arkserver.errors import IntegrationError
from arkserver.integration.kubernetes.api import KubernetesApi, Object

_OF_ONE_POD = (
    "pod-template-hash",
    "controller-revision-hash",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "controller-uid",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-completion-index",
)
"""Labels that controllers add, and that change from pod to pod or from one roll-out to the next."""


async def own_pod(api: KubernetesApi, name: str) -> Object:
    """Return the pod that the server runs in.

    Raises
    ------
    IntegrationError
        There is none of that name.
    """
    pod = await api.get("v1", "pods", name)
    if pod is None:
        raise IntegrationError(
            f"there is no pod {name} in namespace {api.namespace}; set POD_NAME and NAMESPACE (downward API), "
            "or use the deployment STANDARD if the server is outside of Kubernetes"
        )
    return pod


def selector(pod: Object) -> dict[str, str]:
    """Return the labels that select `pod` and its like, whatever the roll-out."""
    labels = pod["metadata"].get("labels") or {}
    found = {key: value for key, value in labels.items() if key not in _OF_ONE_POD}
    if not found:
        name = pod["metadata"]["name"]
        raise IntegrationError(
            f"pod {name} has no label that a Service could select it by; label it, or set ARKSERVER_POD_SELECTOR"
        )
    return found


async def workload(api: KubernetesApi, pod: Object) -> Object:
    """Return the reference to what the pod belongs to: its Deployment, StatefulSet, Job, else the pod itself."""
    parent = _controller(pod)
    if parent is None:
        return _reference(pod)
    if parent["kind"] == "ReplicaSet":
        replicas = await api.get(parent["apiVersion"], "replicasets", parent["name"])
        parent = (_controller(replicas) if replicas else None) or parent
    return {key: parent[key] for key in ("apiVersion", "kind", "name", "uid")}


def _controller(manifest: Object) -> Object | None:
    owners = manifest["metadata"].get("ownerReferences") or []
    return next((owner for owner in owners if owner.get("controller")), None)


def _reference(pod: Object) -> Object:
    return {"apiVersion": "v1", "kind": "Pod", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
