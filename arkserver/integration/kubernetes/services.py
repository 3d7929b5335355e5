"""Services: held as they should be, never taken from somebody else."""

from __future__ import annotations

from collections.abc import Sequence

from arkserver.integration.kubernetes.api import KubernetesApi, Object
from arkserver.integration.kubernetes.manifests import MANAGED_BY, MANAGER, OURS
from arkserver.integration.system import ConflictError, RefusedError

CONFLICT = 409
INVALID = 422


class Services:
    """The Services of one registration."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api
        self._uids: dict[str, str] = {}

    async def hold(self, desired: Sequence[Object]) -> list[Object]:
        """Make the cluster's Services be `desired`, and return them as they are then.

        One look is enough when they are; what is not, is applied.

        Raises
        ------
        ConflictError
            One belongs to somebody else, who is named.
        """
        present = {found["metadata"]["name"]: found for found in await self._api.list("v1", "services", OURS)}
        return [await self._hold_one(manifest, present.get(manifest["metadata"]["name"])) for manifest in desired]

    async def _hold_one(self, desired: Object, found: Object | None) -> Object:
        if found is not None and _as_desired(found, desired):
            return found
        name = desired["metadata"]["name"]
        if name in self._uids:
            try:
                return await self._apply(desired, self._uids[name])
            except RefusedError as error:
                if error.status != CONFLICT:
                    raise
                # The one we knew is gone, and perhaps another has its name.
                del self._uids[name]
        current = await self._api.get("v1", "services", name)
        if current is not None:
            refuse_foreign(current)
        found = await self._apply(desired, current["metadata"]["uid"] if current else "")
        self._uids[name] = found["metadata"]["uid"]
        return found

    async def _apply(self, desired: Object, uid: str) -> Object:
        """Apply, and undo what others added to fields that are ours whole. With `uid`, only to that very Service."""
        known = {"uid": uid} if uid else {}
        manifest = desired | {"metadata": desired["metadata"] | known}
        try:
            found = await self._api.apply("services", manifest)
        except RefusedError as error:
            # A renumbered port stands beside ours under the same name, which is invalid.
            if error.status != INVALID or not uid:
                raise
            found = await self._restore(desired)
            return await self._api.apply("services", manifest)
        return found if _as_desired(found, desired) else await self._restore(desired, found)

    async def _restore(self, desired: Object, found: Object | None = None) -> Object:
        spec = desired["spec"]
        wanted = _selector(desired)
        present = _selector(found) if found else {}
        selector = wanted | dict.fromkeys(present.keys() - wanted.keys())
        changes = {"spec": {"ports": spec["ports"], "selector": selector or None}}
        return await self._api.merge("v1", "services", desired["metadata"]["name"], changes)

    async def delete(self, name: str) -> None:
        """Delete our Service, if it is there; somebody else's stays."""
        current = await self._api.get("v1", "services", name)
        if current is not None and is_ours(current):
            await self._api.delete("v1", "services", name, current["metadata"]["uid"])
        self._uids.pop(name, None)


def is_ours(found: Object) -> bool:
    """Whether a registration of arkserver made the object."""
    return bool((found["metadata"].get("labels") or {}).get(MANAGED_BY) == MANAGER)


def refuse_foreign(found: Object) -> None:
    """Raise `ConflictError` if the object is somebody else's."""
    if is_ours(found):
        return
    meta = found["metadata"]
    raise ConflictError(
        f"{found.get('kind', 'Service')} {meta['namespace']}/{meta['name']} belongs to {_owners(meta)}; "
        "it was left as it is. Choose another EXTERNAL_SERVICE_NAME or METRICS_SERVICE_NAME, or remove it"
    )


def _owners(meta: Object) -> str:
    """Name whoever seems to own an object: its owners, the tool in its label, or those who wrote its fields."""
    owners = [f"{owner['kind']} {owner['name']}" for owner in meta.get("ownerReferences") or []]
    tool = (meta.get("labels") or {}).get(MANAGED_BY)
    writers = sorted({entry["manager"] for entry in meta.get("managedFields") or [] if entry.get("manager")})
    return ", ".join([*owners, *([tool] if tool else []), *writers]) or "somebody else"


def _as_desired(found: Object, desired: Object) -> bool:
    meta, wanted = found["metadata"], desired["metadata"]
    return (
        _ports(found) == _ports(desired)
        and _selector(found) == _selector(desired)
        and wanted["labels"].items() <= (meta.get("labels") or {}).items()
        and all(owner in (meta.get("ownerReferences") or []) for owner in wanted.get("ownerReferences") or [])
    )


def _selector(manifest: Object) -> Object:
    return manifest["spec"].get("selector") or {}


def _ports(manifest: Object) -> Sequence[tuple[object, ...]]:
    keys = ("name", "port", "protocol", "targetPort")
    return [tuple(port.get(key) for key in keys) for port in manifest["spec"].get("ports") or []]
