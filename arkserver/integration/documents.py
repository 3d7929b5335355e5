"""Any system over a channel that nobody answers on: a document that says it all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from arkserver_channels import Channel, ChannelOptions, Message, open_channel

import arkserver
from arkserver.errors import ConfigurationError
from arkserver.integration import addresses, consul
from arkserver.integration.endpoints import Endpoint
from arkserver.integration.enums import ChannelType, Deployment, HttpRequestType, ServiceEndpoint, SystemType
from arkserver.integration.identity import Identity, identity
from arkserver.integration.kubernetes import manifests
from arkserver.integration.settings import IntegrationSettings
from arkserver.integration.system import RefusedError

FORMAT = "arkserver-registration/1"

Render = Callable[[], str]


def registration(settings: IntegrationSettings, endpoints: Sequence[Endpoint], me: Identity) -> dict[str, Any]:
    """Return the registration for anything that has no form of its own."""
    found = addresses.find_any(settings.addresses, None, endpoints[0].host)
    return {
        "format": FORMAT,
        "instance": me.instance,
        "version": arkserver.__version__,
        "deployment": settings.deployment.value,
        "endpoints": [
            {
                "endpoint": endpoint.kind.value,
                "service": endpoint.service_name,
                "addresses": found,
                "port": endpoint.target_port,
                "protocol": endpoint.protocol,
            }
            for endpoint in endpoints
        ],
    }


def kubernetes_manifests(settings: IntegrationSettings, endpoints: Sequence[Endpoint], me: Identity) -> dict[str, Any]:
    """Return the objects for ``kubectl apply -f``."""
    if settings.deployment is Deployment.KUBERNETES:
        selector = settings.pod_selector or {"app.kubernetes.io/name": "arkserver"}
        return manifests.document(
            [manifests.service(endpoint, managed=False, selector=selector) for endpoint in endpoints]
        )
    parts = urlsplit(settings.k8s_host)
    toward = (parts.hostname, parts.port or 443) if parts.hostname else None
    found = addresses.find(settings.addresses, toward, endpoints[0].host)
    services = [manifests.service(endpoint, managed=False) for endpoint in endpoints]
    version = "discovery.k8s.io/v1"
    slices = [part for endpoint in endpoints for part in manifests.slices(version, endpoint, me, found)]
    return manifests.document([*services, *slices])


def prometheus_targets(settings: IntegrationSettings, endpoints: Sequence[Endpoint]) -> list[dict[str, Any]]:
    """Return the document for Prometheus' ``file_sd_configs`` and ``http_sd_configs``."""
    found = addresses.find_any(settings.addresses, None, endpoints[0].host)
    return [
        {
            "targets": [_target(address, endpoint.target_port) for address in found],
            "labels": {"service": endpoint.service_name, "deployment": settings.deployment.value},
        }
        for endpoint in endpoints
        if endpoint.kind is ServiceEndpoint.METRICS
    ]


_MAKERS: Mapping[SystemType, Callable[[IntegrationSettings, Sequence[Endpoint], Identity], dict[str, Any]]] = {
    SystemType.KUBERNETES: kubernetes_manifests,
    SystemType.CONSUL: consul.definition,
}


def render(settings: IntegrationSettings, endpoints: Sequence[Endpoint], me: Identity) -> str:
    """Return the document that tells the system of `settings` about the server."""
    maker = _MAKERS.get(settings.system_type, registration)
    return json.dumps(maker(settings, endpoints, me), indent=2) + "\n"


async def write_once(settings: IntegrationSettings, endpoints: Sequence[Endpoint]) -> None:
    """Write the document of `settings` over its channel (STDOUT if none is given), and leave it there.

    Raises
    ------
    RefusedError, ChannelError
        It was not written.
    ConfigurationError
        Over this channel the system wants to be told again and again.
    """
    if settings.system_type is not SystemType.NONE and settings.channel_type in (ChannelType.HTTP, ChannelType.REDIS):
        raise ConfigurationError(
            f"a registration with {settings.system_type} over {settings.channel_type} must be renewed, which only "
            "a running server does; use --channel-type STDOUT or FILE"
        )
    chosen = settings if settings.channel_type else settings.model_copy(update={"channel_type": ChannelType.STDOUT})
    system = document_system(chosen, endpoints, identity(chosen.instance, endpoints[0].target_port))
    try:
        await system.announce()
    finally:
        await system.close()


class DocumentSystem:
    """Keeps a document true on the far side of a channel."""

    def __init__(self, channel: Channel, kind: str, address: str, text: Render, lifetime_s: float) -> None:
        self._channel = channel
        self._kind = kind
        self._address = address
        self._render = text
        self._lifetime_s = lifetime_s
        self._told = ""

    async def announce(self) -> None:
        text = await asyncio.to_thread(self._render)  # names are resolved
        if not await self._holds(text):
            await self._send(Message(self._address, text, lifetime_s=self._lifetime_s))
            self._told = text

    async def withdraw(self) -> None:
        await self._send(Message(self._address, request_type=HttpRequestType.DELETE))
        self._told = ""

    async def close(self) -> None:
        await self._channel.close()

    async def _holds(self, text: str) -> bool:
        """Whether there is nothing to say: what was printed stays printed, a file can be read, others expire."""
        if self._kind == ChannelType.STDOUT:
            return text == self._told
        if self._kind == ChannelType.FILE:
            found = await self._channel.write(Message(self._address, request_type=HttpRequestType.GET))
            return found.ok and found.body.endswith(text.encode())
        return False

    async def _send(self, message: Message) -> None:
        answer = await self._channel.write(message)
        if not answer.ok and not (message.request_type is HttpRequestType.DELETE and answer.status == 404):
            reason = answer.body[:200].decode(errors="replace")
            raise RefusedError(f"{self._kind} refused the registration ({answer.status}): {reason}", answer.status)


def document_system(settings: IntegrationSettings, endpoints: Sequence[Endpoint], me: Identity) -> DocumentSystem:
    """Return the system of `settings` as a document over its channel."""
    options = ChannelOptions(
        url=settings.redis_url if settings.channel == ChannelType.REDIS else settings.integration_url,
        append=settings.integration_file_append,
        ca_file=settings.ca_file,
        cert_file=settings.cert_file,
        key_file=settings.key_file,
        token=settings.integration_token.get_secret_value(),
        token_file=settings.token_file,
        user=settings.redis_user,
        password=settings.redis_password.get_secret_value(),
        timeout_s=settings.request_timeout_s,
        proxy=settings.proxy,
    )
    kind = settings.channel
    address = settings.integration_url if kind == ChannelType.HTTP else settings.integration_file
    return DocumentSystem(
        open_channel(kind, options), kind, address, lambda: render(settings, endpoints, me), settings.lease_s
    )


def prometheus_system(settings: IntegrationSettings, endpoints: Sequence[Endpoint], file: Path) -> DocumentSystem:
    """Return what keeps the targets file for Prometheus true."""
    channel = open_channel(ChannelType.FILE, ChannelOptions())

    def text() -> str:
        return json.dumps(prometheus_targets(settings, endpoints), indent=2) + "\n"

    return DocumentSystem(channel, ChannelType.FILE, str(file), text, settings.lease_s)


def _target(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
