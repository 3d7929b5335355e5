"""Removing what nobody alive stands behind."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from arkserver.integration.kubernetes import manifests
from arkserver.integration.kubernetes.api import KubernetesApi, Object, moment
from arkserver.integration.kubernetes.lease import VERSION as LEASE_VERSION
from arkserver.integration.kubernetes.lease import is_expired, is_outside, services_of
from arkserver.integration.kubernetes.services import Services
from arkserver.integration.kubernetes.slices import Routes


async def sweep(api: KubernetesApi, routes: Routes, only: Collection[str] | None = None) -> list[str]:
    """Remove expired instances, and Services that no living instance is behind.

    Parameters
    ----------
    api : KubernetesApi
    routes : Routes
    only : collection of str, optional
        Names of the Services to look at; all if not given.

    Returns
    -------
    list of str
        What was removed, as ``Lease name``, ``Service name``.
    """
    leases = await api.list(LEASE_VERSION, "leases", manifests.OURS)
    if only is not None:
        leases = [lease for lease in leases if not set(services_of(lease)).isdisjoint(only)]
    now = api.now()
    expired = [lease for lease in leases if is_expired(lease, now)]
    living = [lease for lease in leases if not is_expired(lease, now)]
    removed = [await _remove_instance(api, routes, lease) for lease in expired]
    needed = {name for lease in living for name in services_of(lease)}
    names = only if only is not None else await _old_services(api)
    for name in sorted(set(names) - needed):
        await Services(api).delete(name)
        removed.append(f"Service {name}")
    return removed


async def _remove_instance(api: KubernetesApi, routes: Routes, lease: Object) -> str:
    instance = lease["metadata"]["labels"][manifests.INSTANCE]
    for name in services_of(lease) if is_outside(lease) else ():
        await routes.release(name, instance)
    await api.delete(LEASE_VERSION, "leases", lease["metadata"]["name"], lease["metadata"]["uid"])
    return f"Lease {lease['metadata']['name']}"


async def _old_services(api: KubernetesApi) -> list[str]:
    """Our Services, but for those so new that their instance may not have its lease yet."""
    newest = api.now() - timedelta(seconds=30)
    found = await api.list("v1", "services", manifests.OURS)
    return [f["metadata"]["name"] for f in found if moment(f["metadata"]["creationTimestamp"]) < newest]
