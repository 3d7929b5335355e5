"""The API objects of a registration. Pure functions: nothing is sent here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import arkserver
from arkserver.integration import addresses as addressing
from arkserver.integration.endpoints import Endpoint
from arkserver.integration.enums import Deployment
from arkserver.integration.identity import Identity
from arkserver.integration.kubernetes.api import Object, timestamp

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "arkserver"
OURS = f"{MANAGED_BY}={MANAGER}"
"""Label selector of everything that registrations make."""
INSTANCE = "arkserver/instance"
NETWORK = "arkserver/network"
SERVICES = "arkserver/services"
DEPLOYMENT = "arkserver/deployment"
ENDPOINT = "arkserver/endpoint"
SERVICE_NAME = "kubernetes.io/service-name"
SLICE_MANAGED_BY = "endpointslice.kubernetes.io/managed-by"

_COMMON = {"app.kubernetes.io/name": "arkserver", "app.kubernetes.io/version": arkserver.__version__}


def service_owner(service: Object) -> Object:
    """Return the reference that makes an object go with `service`."""
    meta = service["metadata"]
    return {"apiVersion": "v1", "kind": "Service", "name": meta["name"], "uid": meta["uid"]}


def service(
    endpoint: Endpoint, *, managed: bool, selector: Mapping[str, str] | None = None, owners: Sequence[Object] = ()
) -> Object:
    """Return the Service of one door.

    Parameters
    ----------
    endpoint : Endpoint
    managed : bool
        Whether a registration keeps it true; False for a manifest that somebody applies by hand.
    selector : mapping of str to str, optional
        Labels of the server's pod. None: the server is outside, and EndpointSlices say where.
    owners : sequence of dict
        Objects with which the Service shall go.
    """
    port: Object = {
        "name": endpoint.port_name,
        "port": endpoint.service_port,
        "protocol": endpoint.protocol,
        # Outside, the slices say each instance's own port; the name ties the two together.
        "targetPort": endpoint.target_port if selector else endpoint.port_name,
    }
    # An outside server may have addresses of both families, whatever the cluster's first is.
    spec: Object = {
        "ports": [port],
        **({"selector": dict(selector)} if selector else {"ipFamilyPolicy": "PreferDualStack"}),
    }
    metadata: Object = {
        "name": endpoint.service_name,
        "labels": _labels(managed) | {ENDPOINT: endpoint.kind.value},
        **({"ownerReferences": list(owners)} if owners else {}),
    }
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def slice_name(service_name: str, instance: str, family: str) -> str:
    """Return the name of the slice with one instance's addresses of one family."""
    return f"{service_name}-{instance}-{family.lower()}"


def endpoint_slice(
    version: str, endpoint: Endpoint, me: Identity, family: str, addresses: Sequence[str], owners: Sequence[Object] = ()
) -> Object:
    """Return the EndpointSlice of one door, instance and address family; `version` as the API serves it."""
    labels = {
        SERVICE_NAME: endpoint.service_name,
        # Tells the cluster's own controller to leave the slice alone.
        SLICE_MANAGED_BY: MANAGER,
        INSTANCE: me.instance,
    }
    metadata: Object = {
        "name": slice_name(endpoint.service_name, me.instance, family),
        "labels": _labels(managed=bool(owners)) | labels,
        **({"ownerReferences": list(owners)} if owners else {}),
    }
    return {
        "apiVersion": version,
        "kind": "EndpointSlice",
        "metadata": metadata,
        "addressType": family,
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in addresses],
        "ports": [{"name": endpoint.port_name, "port": endpoint.target_port, "protocol": endpoint.protocol}],
    }


def slices(
    version: str, endpoint: Endpoint, me: Identity, addresses: Sequence[str], owners: Sequence[Object] = ()
) -> list[Object]:
    """Return one slice for each family that `addresses` has."""
    families = sorted({addressing.family(address) for address in addresses})
    return [
        endpoint_slice(version, endpoint, me, family, [a for a in addresses if addressing.family(a) == family], owners)
        for family in families
    ]


def subset(endpoint: Endpoint, addresses: Sequence[str]) -> Object:
    """Return the part of an Endpoints object that stands for one instance."""
    return {
        "addresses": [{"ip": address} for address in addresses],
        "ports": [{"name": endpoint.port_name, "port": endpoint.target_port, "protocol": endpoint.protocol}],
    }


def lease_name(endpoints: Sequence[Endpoint], instance: str) -> str:
    return f"{endpoints[0].service_name}-{instance}"


def lease(
    endpoints: Sequence[Endpoint],
    me: Identity,
    deployment: Deployment,
    seconds: float,
    now: datetime,
    owners: Sequence[Object],
) -> Object:
    """Return the Lease that shows an instance to be alive."""
    metadata = {
        "name": lease_name(endpoints, me.instance),
        "labels": _labels(managed=True) | {INSTANCE: me.instance},
        "annotations": {
            NETWORK: me.network,
            SERVICES: ",".join(endpoint.service_name for endpoint in endpoints),
            DEPLOYMENT: deployment.value,
        },
        "ownerReferences": list(owners),
    }
    spec = {
        "holderIdentity": f"{me.instance}/{me.run}",
        "leaseDurationSeconds": round(seconds),
        "renewTime": timestamp(now),
    }
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}


def document(objects: Sequence[Object]) -> Object:
    """Return one document of several objects, as ``kubectl apply -f`` takes it."""
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}


def _labels(managed: bool) -> dict[str, str]:
    return _COMMON | ({MANAGED_BY: MANAGER} if managed else {})
