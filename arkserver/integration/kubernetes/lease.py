"""The Lease: shows that an instance lives, and keeps two from being the same one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from arkserver.integration.endpoints import Endpoint
from arkserver.integration.enums import Deployment
from arkserver.integration.identity import Identity
from arkserver.integration.kubernetes import manifests
from arkserver.integration.kubernetes.api import KubernetesApi, Object, moment
from arkserver.integration.system import ConflictError, RefusedError

VERSION = "coordination.k8s.io/v1"
CONFLICT = 409


class InstanceLease:
    """The Lease of one instance."""

    def __init__(
        self,
        api: KubernetesApi,
        endpoints: Sequence[Endpoint],
        me: Identity,
        deployment: Deployment,
        seconds: float,
    ) -> None:
        self._deployment = deployment
        self._api = api
        self._endpoints = endpoints
        self._me = me
        self._seconds = seconds
        self._name = manifests.lease_name(endpoints, me.instance)
        self._version = ""
        self._held = False

    async def hold(self, owners: Sequence[Object]) -> None:
        """Take the Lease or renew it.

        Raises
        ------
        ConflictError
            Another process is this instance, and alive.
        """
        if self._version:
            try:
                return await self._apply(owners)
            except RefusedError as error:
                if error.status != CONFLICT:
                    raise
                self._version = ""  # deleted, or written by somebody else: look
        current = await self._api.get(VERSION, "leases", self._name)
        if current is None:
            created = await self._api.create("leases", self._manifest(owners))
            self._version = created["metadata"]["resourceVersion"]
            self._held = True
            return None
        self._refuse_living(current)
        self._version = current["metadata"]["resourceVersion"]
        return await self._apply(owners)

    async def release(self) -> bool:
        """Delete the Lease; False if it is another process's, which lives."""
        current = await self._api.get(VERSION, "leases", self._name)
        if current is None:
            return True
        if not self._is_mine(current) and not is_expired(current, self._api.now()):
            return False
        await self._api.delete(VERSION, "leases", self._name, current["metadata"]["uid"])
        self._version = ""
        return True

    async def _apply(self, owners: Sequence[Object]) -> None:
        manifest = self._manifest(owners)
        manifest["metadata"]["resourceVersion"] = self._version
        applied = await self._api.apply("leases", manifest)
        self._version = applied["metadata"]["resourceVersion"]
        self._held = True

    def _manifest(self, owners: Sequence[Object]) -> Object:
        return manifests.lease(self._endpoints, self._me, self._deployment, self._seconds, self._api.now(), owners)

    def _is_mine(self, lease: Object) -> bool:
        return bool(lease["spec"].get("holderIdentity") == f"{self._me.instance}/{self._me.run}")

    def _refuse_living(self, lease: Object) -> None:
        if self._is_mine(lease) or is_expired(lease, self._api.now()):
            return
        if _annotation(lease, manifests.NETWORK) == self._me.network and not self._held:
            return  # made by a process with the port that is ours now, so it is gone
        spec = lease["spec"]
        raise ConflictError(
            f"instance {self._me.instance} is alive as {spec.get('holderIdentity')} "
            f"(Lease {self._name}, renewed {spec['renewTime']}); "
            "give this server another name with ARKSERVER_INSTANCE, or wait until the other's lease has expired"
        )


def is_expired(lease: Object, now: datetime) -> bool:
    """Whether the Lease was not renewed in time."""
    spec = lease["spec"]
    if not spec.get("renewTime"):
        return True
    return moment(spec["renewTime"]) + timedelta(seconds=spec.get("leaseDurationSeconds") or 0) < now


def services_of(lease: Object) -> list[str]:
    """Return the names of the Services that the Lease's instance is behind."""
    text = _annotation(lease, manifests.SERVICES)
    return [name for name in text.split(",") if name]


def is_outside(lease: Object) -> bool:
    """Whether the Lease's instance is outside of the cluster, so that routes lead to it."""
    return _annotation(lease, manifests.DEPLOYMENT) != Deployment.KUBERNETES


def _annotation(lease: Object, key: str) -> str:
    return str((lease["metadata"].get("annotations") or {}).get(key) or "")
