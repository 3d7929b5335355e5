"""The few verbs of the Kubernetes API that a registration needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from arkserver_channels import Answer, Channel, HttpRequestFormat, HttpRequestType, Message

from arkserver.integration.kubernetes.refusals import refusal

Object = dict[str, Any]
"""An API object as JSON says it."""

FIELD_MANAGER = "arkserver"


def path(version: str, namespace: str, resource: str, name: str = "") -> str:
    """Return the API path of a resource: ``v1`` is below ``/api``, ``apps/v1`` below ``/apis``."""
    root = "/apis" if "/" in version else "/api"
    return f"{root}/{version}/namespaces/{quote(namespace)}/{resource}" + (f"/{quote(name)}" if name else "")


class KubernetesApi:
    """Talks with one API server over a channel. Every refusal but 404 of `get` and `delete` raises `RefusedError`."""

    def __init__(self, channel: Channel, namespace: str) -> None:
        self.namespace = namespace
        self._channel = channel
        self._ahead = timedelta()

    async def close(self) -> None:
        await self._channel.close()

    def now(self) -> datetime:
        """Return the API server's time: all instances go by one clock, whatever their own say."""
        return datetime.now(UTC) + self._ahead

    async def get(self, version: str, resource: str, name: str) -> Object | None:
        """Return the object, None if there is none."""
        answer = await self.send(HttpRequestType.GET, path(version, self.namespace, resource, name))
        return None if answer.status == 404 else self._object(answer, "get", resource, name)

    async def list(self, version: str, resource: str, selector: str) -> list[Object]:
        """Return the objects with these labels."""
        where = f"{path(version, self.namespace, resource)}?labelSelector={quote(selector)}"
        answer = await self.send(HttpRequestType.GET, where)
        items: list[Object] = self._object(answer, "list", resource, "").get("items") or []
        return items

    async def create(self, resource: str, manifest: Object) -> Object:
        """Create the object; 409 if there is one of that name."""
        where = f"{path(manifest['apiVersion'], self.namespace, resource)}?fieldManager={FIELD_MANAGER}"
        answer = await self.send(HttpRequestType.POST, where, manifest)
        return self._object(answer, "create", resource, manifest["metadata"]["name"])

    async def apply(self, resource: str, manifest: Object) -> Object:
        """Make the object have these fields, whether it exists or not (server-side apply).

        A ``uid`` or ``resourceVersion`` in the metadata must still hold; otherwise 409.
        """
        name = manifest["metadata"]["name"]
        where = path(manifest["apiVersion"], self.namespace, resource, name)
        where += f"?fieldManager={FIELD_MANAGER}&force=true"
        answer = await self.send(HttpRequestType.PATCH, where, manifest, HttpRequestFormat.APPLY)
        return self._object(answer, "patch", resource, name)

    async def merge(self, version: str, resource: str, name: str, changes: Object) -> Object:
        """Change fields of an existing object; null removes one, a list is replaced whole."""
        where = f"{path(version, self.namespace, resource, name)}?fieldManager={FIELD_MANAGER}"
        answer = await self.send(HttpRequestType.PATCH, where, changes, HttpRequestFormat.MERGE)
        return self._object(answer, "patch", resource, name)

    async def delete(self, version: str, resource: str, name: str, uid: str = "") -> None:
        """Delete the object, if it is there; with `uid`, only that very one."""
        options = {"preconditions": {"uid": uid}} if uid else {}
        body: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background", **options}
        answer = await self.send(HttpRequestType.DELETE, path(version, self.namespace, resource, name), body)
        another = answer.status == 409 and uid
        if answer.status != 404 and not another:
            self._object(answer, "delete", resource, name)

    async def send(
        self,
        verb: HttpRequestType,
        where: str,
        body: Mapping[str, Any] | None = None,
        form: HttpRequestFormat = HttpRequestFormat.JSON,
    ) -> Answer:
        """Send one request and return the answer, whatever it is."""
        answer = await self._channel.write(Message(where, json.dumps(body) if body is not None else "", verb, form))
        self._set_clock(answer)
        return answer

    def _object(self, answer: Answer, verb: str, resource: str, name: str) -> Object:
        if not answer.ok:
            raise refusal(answer, verb, resource, name, self.namespace)
        found: Object = json.loads(answer.body)
        return found

    def _set_clock(self, answer: Answer) -> None:
        if date := answer.headers.get("date"):
            self._ahead = parsedate_to_datetime(date) - datetime.now(UTC)
            # The header has whole seconds; within them, our own clock is the better one.
            if abs(self._ahead) < timedelta(seconds=1.5):
                self._ahead = timedelta()


def timestamp(moment: datetime) -> str:
    """Write a time as Kubernetes' MicroTime."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str) -> datetime:
    """Read a Time or MicroTime of Kubernetes."""
    return datetime.fromisoformat(text)
