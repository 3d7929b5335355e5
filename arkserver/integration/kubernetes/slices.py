"""Where the traffic goes: EndpointSlices, or an Endpoints object on a cluster that has none."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Protocol

from arkserver_channels import HttpRequestType

from arkserver.integration.endpoints import Endpoint
from arkserver.integration.identity import Identity
from arkserver.integration.kubernetes import manifests
from arkserver.integration.kubernetes.api import KubernetesApi, Object
from arkserver.integration.kubernetes.services import refuse_foreign

GROUP = "discovery.k8s.io"
VERSIONS = (f"{GROUP}/v1", f"{GROUP}/v1beta1")
CONTROLLERS = ("endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io")
ENTRY = "arkserver/entry."
"""Annotation of an Endpoints object with one instance's part of it."""


class Routes(Protocol):
    """Says at which addresses an instance is behind its Services."""

    async def hold(self, endpoints: Sequence[Endpoint], addresses: Sequence[str], services: Sequence[Object]) -> None:
        """Make the cluster send traffic for `services` to `addresses` too, and to no former ones of this instance."""

    async def release(self, service_name: str, instance: str) -> None:
        """Send no more traffic to the instance."""


async def routes(api: KubernetesApi, me: Identity) -> Routes:
    """Ask the API what it serves, and return the best way: ``discovery.k8s.io/v1``, ``v1beta1``, else Endpoints."""
    answer = await api.send(HttpRequestType.GET, f"/apis/{GROUP}")
    if answer.status == 404:
        return EndpointsRoutes(api, me)
    if not answer.ok:  # a token that may not ask: any supported cluster has v1
        return SliceRoutes(api, me, VERSIONS[0])
    served = {version["groupVersion"] for version in json.loads(answer.body).get("versions", [])}
    version = next((version for version in VERSIONS if version in served), None)
    return SliceRoutes(api, me, version) if version else EndpointsRoutes(api, me)


class SliceRoutes:
    """One EndpointSlice for each service, instance and address family."""

    def __init__(self, api: KubernetesApi, me: Identity, version: str) -> None:
        self.version = version
        self._api = api
        self._me = me

    async def hold(self, endpoints: Sequence[Endpoint], addresses: Sequence[str], services: Sequence[Object]) -> None:
        names = ",".join(endpoint.service_name for endpoint in endpoints)
        listed = await self._api.list(self.version, "endpointslices", f"{manifests.SERVICE_NAME} in ({names})")
        present = {found["metadata"]["name"]: found for found in listed}
        wanted = {
            manifest["metadata"]["name"]: manifest
            for endpoint, service in zip(endpoints, services, strict=True)
            for manifest in manifests.slices(
                self.version, endpoint, self._me, addresses, [manifests.service_owner(service)]
            )
        }
        for name, manifest in wanted.items():
            if not _holds(present.get(name, {}), manifest):
                await self._api.apply("endpointslices", manifest)
        for found in present.values():
            if found["metadata"]["name"] not in wanted:
                await self._drop_stray(found)

    async def release(self, service_name: str, instance: str) -> None:
        mine = f"{manifests.SERVICE_NAME}={service_name},{manifests.INSTANCE}={instance}"
        for found in await self._api.list(self.version, "endpointslices", mine):
            await self._api.delete(self.version, "endpointslices", found["metadata"]["name"])

    async def _drop_stray(self, found: Object) -> None:
        """Delete a slice with former addresses of this instance, or one that sends traffic to who knows whom.

        Whoever gave our Service a selector, or an Endpoints object, made the cluster's controllers add slices; these
        stay behind when the selector is gone.
        """
        meta = found["metadata"]
        former = meta["labels"].get(manifests.INSTANCE) == self._me.instance
        if meta["labels"].get(manifests.SLICE_MANAGED_BY) in CONTROLLERS:
            await self._api.delete("v1", "endpoints", meta["labels"][manifests.SERVICE_NAME])
        elif not former:
            return
        await self._api.delete(self.version, "endpointslices", meta["name"])


def _holds(found: Object, wanted: Object) -> bool:
    """Whether the cluster's object is as it should be; the items of a list do not say their kind."""
    return _contains(found, {key: value for key, value in wanted.items() if key not in ("apiVersion", "kind")})


def _contains(found: object, wanted: object) -> bool:
    """Whether `found` has all that `wanted` has: dicts may have more, lists may not."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_contains(found.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(_contains, found, wanted))
    return found == wanted


class EndpointsRoutes:
    """One Endpoints object for each service, shared by its instances; each keeps its part in an annotation."""

    def __init__(self, api: KubernetesApi, me: Identity) -> None:
        self._api = api
        self._me = me

    async def hold(self, endpoints: Sequence[Endpoint], addresses: Sequence[str], services: Sequence[Object]) -> None:
        for endpoint, service in zip(endpoints, services, strict=True):
            name = service["metadata"]["name"]
            current = await self._api.get("v1", "endpoints", name)
            if current is not None:
                refuse_foreign(current)
            entries = _entries(current) | {self._me.instance: manifests.subset(endpoint, addresses)}
            await self._write(name, current, entries)

    async def release(self, service_name: str, instance: str) -> None:
        current = await self._api.get("v1", "endpoints", service_name)
        entries = _entries(current)
        if current is None or instance not in entries:
            return
        del entries[instance]
        if entries:
            await self._write(service_name, current, entries)
        else:
            await self._api.delete("v1", "endpoints", service_name, current["metadata"]["uid"])

    async def _write(self, name: str, current: Object | None, entries: Mapping[str, Object]) -> None:
        metadata: Object = {
            "name": name,
            "labels": {manifests.MANAGED_BY: manifests.MANAGER},
            "annotations": {f"{ENTRY}{instance}": json.dumps(entry) for instance, entry in entries.items()},
        }
        if current is not None:
            # Two instances that write at the same time: the second is refused, and comes back.
            metadata["resourceVersion"] = current["metadata"]["resourceVersion"]
        manifest = {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": list(entries.values())}
        await self._api.apply("endpoints", manifest)


def _entries(endpoints: Object | None) -> dict[str, Object]:
    annotations = ((endpoints or {}).get("metadata") or {}).get("annotations") or {}
    return {key.removeprefix(ENTRY): json.loads(text) for key, text in annotations.items() if key.startswith(ENTRY)}
