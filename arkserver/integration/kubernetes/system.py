"""Kubernetes over HTTP: registered for real, through the API."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from arkserver_channels import ChannelType, open_channel

from arkserver.integration import addresses
from arkserver.integration.endpoints import Endpoint
from arkserver.integration.enums import Deployment
from arkserver.integration.identity import Identity
from arkserver.integration.kubernetes import manifests, pods
from arkserver.integration.kubernetes.api import KubernetesApi, Object
from arkserver.integration.kubernetes.connection import connection
from arkserver.integration.kubernetes.lease import InstanceLease
from arkserver.integration.kubernetes.services import Services
from arkserver.integration.kubernetes.slices import Routes, routes
from arkserver.integration.kubernetes.sweep import sweep
from arkserver.integration.settings import IntegrationSettings


class KubernetesSystem:
    """A Service for each door, a Lease for the instance, and, outside, slices with its addresses."""

    def __init__(self, settings: IntegrationSettings, endpoints: Sequence[Endpoint], me: Identity) -> None:
        self._settings = settings
        self._endpoints = endpoints
        self._me = me
        self._connection = connection(settings)
        channel = open_channel(ChannelType.HTTP, self._connection.options)
        self._api = KubernetesApi(channel, self._connection.namespace)
        self._services = Services(self._api)
        self._lease = InstanceLease(self._api, endpoints, me, settings.deployment, settings.lease_s)
        self._routes: Routes | None = None
        self._pod: tuple[Mapping[str, str], Object] | None = None

    async def announce(self) -> None:
        """Make the cluster hold exactly this registration."""
        services = await self._services.hold(await self._manifests())
        await self._lease.hold([manifests.service_owner(service) for service in services])
        if self._settings.deployment is Deployment.STANDARD:
            # In a thread, since names are resolved.
            found = await asyncio.to_thread(
                addresses.find, self._settings.addresses, self._connection.host_and_port, self._endpoints[0].host
            )
            await (await self._routing()).hold(self._endpoints, found, services)

    async def withdraw(self) -> None:
        """Remove the instance, and the Services if it was the last."""
        names = [endpoint.service_name for endpoint in self._endpoints]
        way = await self._routing()
        if await self._lease.release() and self._settings.deployment is Deployment.STANDARD:
            for name in names:
                await way.release(name, self._me.instance)
        await sweep(self._api, way, names)

    async def close(self) -> None:
        await self._api.close()

    async def _routing(self) -> Routes:
        if self._routes is None:
            self._routes = await routes(self._api, self._me)
        return self._routes

    async def _manifests(self) -> list[Object]:
        if self._settings.deployment is Deployment.STANDARD:
            return [manifests.service(endpoint, managed=True) for endpoint in self._endpoints]
        selector, owner = await self._own_pod()
        return [
            manifests.service(endpoint, managed=True, selector=selector, owners=[owner]) for endpoint in self._endpoints
        ]

    async def _own_pod(self) -> tuple[Mapping[str, str], Object]:
        if self._pod is None:
            pod = await pods.own_pod(self._api, self._settings.pod_name)
            selector = self._settings.pod_selector or pods.selector(pod)
            self._pod = selector, await pods.workload(self._api, pod)
        return self._pod
