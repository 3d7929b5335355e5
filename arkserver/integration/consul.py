"""Consul: a service with a check that the server keeps passing.

The requests are those of Consul's agent API (https://developer.hashicorp.com/consul/api-docs/agent/service).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from arkserver_channels import Answer, ChannelOptions, Message, open_channel

import arkserver
from arkserver.integration import addresses
from arkserver.integration.endpoints import Endpoint
from arkserver.integration.enums import ChannelType, HttpRequestType
from arkserver.integration.identity import Identity
from arkserver.integration.settings import IntegrationSettings
from arkserver.integration.system import RefusedError

Service = dict[str, Any]


class ConsulSystem:
    """Registered with the Consul agent of the settings, usually the one on the same machine."""

    def __init__(self, settings: IntegrationSettings, endpoints: Sequence[Endpoint], me: Identity) -> None:
        self._settings = settings
        self._endpoints = endpoints
        self._me = me
        options = ChannelOptions(
            url=agent_url(settings.consul_url),
            ca_file=settings.ca_file,
            cert_file=settings.cert_file,
            key_file=settings.key_file,
            token=settings.consul_token.get_secret_value() or settings.integration_token.get_secret_value(),
            token_file=settings.token_file,
            timeout_s=settings.request_timeout_s,
            proxy=settings.proxy,
        )
        self._channel = open_channel(ChannelType.HTTP, options)

    async def announce(self) -> None:
        """Register what the agent does not know, or knows differently, and pass the checks."""
        # In a thread, since names are resolved.
        for desired in await asyncio.to_thread(services, self._settings, self._endpoints, self._me):
            found = await self._send(
                HttpRequestType.GET, f"/v1/agent/service/{quote(desired['ID'])}", missing_is_fine=True
            )
            if not found.ok or not _same(json.loads(found.body), desired):
                await self._send(
                    HttpRequestType.PUT, "/v1/agent/service/register?replace-existing-checks=true", json.dumps(desired)
                )
            passing = json.dumps({"Status": "passing", "Output": f"arkserver {arkserver.__version__} serves"})
            await self._send(
                HttpRequestType.PUT, f"/v1/agent/check/update/{quote(desired['Check']['CheckID'])}", passing
            )

    async def withdraw(self) -> None:
        """Deregister; the agent may have forgotten already."""
        for endpoint in self._endpoints:
            where = f"/v1/agent/service/deregister/{quote(service_id(endpoint, self._me))}"
            await self._send(HttpRequestType.PUT, where, missing_is_fine=True)

    async def close(self) -> None:
        await self._channel.close()

    async def _send(
        self, verb: HttpRequestType, where: str, body: str = "", *, missing_is_fine: bool = False
    ) -> Answer:
        answer = await self._channel.write(Message(where, body, verb))
        if not answer.ok and not (missing_is_fine and answer.status == 404):
            raise _refusal(answer, where)
        return answer


def agent_url(address: str) -> str:
    """Return the URL of ``CONSUL_HTTP_ADDR``, which may come without scheme."""
    return address if "://" in address else f"http://{address}"


def service_id(endpoint: Endpoint, me: Identity) -> str:
    return f"{endpoint.service_name}-{me.instance}"


def services(settings: IntegrationSettings, endpoints: Sequence[Endpoint], me: Identity) -> list[Service]:
    """Return the registration of each door, as the agent API takes it."""
    address = _address(settings, endpoints[0].host)
    return [
        {
            "ID": service_id(endpoint, me),
            "Name": endpoint.service_name,
            "Tags": ["arkserver", f"version-{arkserver.__version__}", endpoint.port_name],
            "Meta": _meta(settings, endpoint, me),
            "Address": address,
            "Port": endpoint.target_port,
            "Check": {
                "CheckID": f"service:{service_id(endpoint, me)}",
                "Name": "arkserver renews its registration",
                "TTL": f"{settings.lease_s:g}s",
                "DeregisterCriticalServiceAfter": f"{settings.consul_deregister_after_s:g}s",
            },
        }
        for endpoint in endpoints
    ]


def definition(settings: IntegrationSettings, endpoints: Sequence[Endpoint], me: Identity) -> dict[str, Any]:
    """Return a service definition file for the agent's configuration folder.

    Nobody renews a file, so the agent asks the port itself.
    """
    address = _address(settings, endpoints[0].host)
    return {
        "services": [
            {
                "id": service_id(endpoint, me),
                "name": endpoint.service_name,
                "tags": ["arkserver", f"version-{arkserver.__version__}", endpoint.port_name],
                "meta": _meta(settings, endpoint, me),
                "address": address,
                "port": endpoint.target_port,
                "checks": [
                    {
                        "id": f"service:{service_id(endpoint, me)}",
                        "name": "the port is open",
                        "tcp": f"{address or '127.0.0.1'}:{endpoint.target_port}",
                        "interval": f"{settings.renew_s:g}s",
                        "timeout": f"{settings.request_timeout_s:g}s",
                    }
                ],
            }
            for endpoint in endpoints
        ]
    }


def _meta(settings: IntegrationSettings, endpoint: Endpoint, me: Identity) -> dict[str, str]:
    return {
        "version": arkserver.__version__,
        "deployment": settings.deployment.value,
        "endpoint": endpoint.kind.value,
        "instance": me.instance,
    }


def _address(settings: IntegrationSettings, listening: str) -> str:
    """Return the address to register; empty, which means the agent's own, if the agent is on this machine."""
    parts = urlsplit(agent_url(settings.consul_url))
    found = addresses.find_any(settings.addresses, (parts.hostname or "127.0.0.1", parts.port or 8500), listening)
    return found[0] if addresses.is_reachable(found[0]) else ""


def _same(found: Service, desired: Service) -> bool:
    named = {"Name": "Service"}
    keys = ("Name", "Tags", "Meta", "Address", "Port")
    return all(found.get(named.get(key, key)) == desired[key] for key in keys)


def _refusal(answer: Answer, where: str) -> RefusedError:
    message = answer.body[:200].decode(errors="replace").strip()
    match answer.status:
        case 401 | 403:
            text = (
                f"Consul refuses ({answer.status}): {message}; the token needs the rule service_prefix or service with "
                'policy = "write" for the names that are registered (CONSUL_HTTP_TOKEN)'
            )
        case status:
            text = f"Consul refused {where} ({status}): {message}"
    return RefusedError(text, answer.status)
