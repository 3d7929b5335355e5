"""Redis: a key with expiry for each instance, a set of instances for each service, a notice on change.

Keys, with service ``s`` and instance ``i``:

* ``arkserver:instance:s:i`` string, JSON, expires unless renewed;
* ``arkserver:service:s`` set of instances; those without a key are gone;
* ``arkserver:changes:s`` channel with a notice ``{"event": "announced" | "withdrawn", "instance": i}``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from arkserver_channels import Channel, ChannelOptions, Message, open_channel

import arkserver
from arkserver.integration import addresses
from arkserver.integration.endpoints import Endpoint
from arkserver.integration.enums import ChannelType, HttpRequestType
from arkserver.integration.identity import Identity
from arkserver.integration.settings import IntegrationSettings
from arkserver.integration.system import ConflictError, RefusedError

Command = list[str]


def instance_key(service: str, instance: str) -> str:
    return f"arkserver:instance:{service}:{instance}"


def service_key(service: str) -> str:
    return f"arkserver:service:{service}"


def changes_channel(service: str) -> str:
    return f"arkserver:changes:{service}"


class RedisSystem:
    """Registered in a Redis server."""

    def __init__(self, settings: IntegrationSettings, endpoints: Sequence[Endpoint], me: Identity) -> None:
        self._settings = settings
        self._endpoints = endpoints
        self._me = me
        self._channel = redis_channel(settings)

    async def announce(self) -> None:
        """Write each key again, with its expiry; a change is told to those who listen."""
        for endpoint in self._endpoints:
            value = json.dumps(await asyncio.to_thread(self._value, endpoint))  # names are resolved
            before = await self._current(endpoint)
            commands = self._write(endpoint, value)
            if before is None or before != json.loads(value):
                commands.append(self._notice(endpoint, "announced"))
            await transaction(self._channel, commands)

    async def withdraw(self) -> None:
        """Remove each key, unless another process has become this instance."""
        for endpoint in self._endpoints:
            before = await self._current(endpoint, refuse_living=False)
            if before is not None and before["run"] != self._me.run:
                continue
            service = endpoint.service_name
            commands = [
                ["DEL", instance_key(service, self._me.instance)],
                ["SREM", service_key(service), self._me.instance],
            ]
            if before is not None:
                commands.append(self._notice(endpoint, "withdrawn"))
            await transaction(self._channel, commands)
            await prune(self._channel, service)

    async def close(self) -> None:
        await self._channel.close()

    async def _current(self, endpoint: Endpoint, *, refuse_living: bool = True) -> dict[str, Any] | None:
        key = instance_key(endpoint.service_name, self._me.instance)
        (text,) = await transaction(self._channel, [["GET", key]])
        found: dict[str, Any] | None = json.loads(text) if text else None
        if found and refuse_living and found["run"] != self._me.run and found["network"] != self._me.network:
            raise ConflictError(
                f"instance {self._me.instance} of {endpoint.service_name} is alive elsewhere ({found['addresses']}); "
                "give this server another name with ARKSERVER_INSTANCE, or wait until the other's key has expired"
            )
        return found

    def _write(self, endpoint: Endpoint, value: str) -> list[Command]:
        service = endpoint.service_name
        lifetime_ms = str(round(self._settings.lease_s * 1000))
        return [
            ["SET", instance_key(service, self._me.instance), value, "PX", lifetime_ms],
            ["SADD", service_key(service), self._me.instance],
        ]

    def _notice(self, endpoint: Endpoint, event: str) -> Command:
        return [
            "PUBLISH",
            changes_channel(endpoint.service_name),
            json.dumps({"event": event, "instance": self._me.instance}),
        ]

    def _value(self, endpoint: Endpoint) -> dict[str, Any]:
        parts = urlsplit(self._settings.redis_url)
        return {
            "instance": self._me.instance,
            "run": self._me.run,
            "network": self._me.network,
            "version": arkserver.__version__,
            "deployment": self._settings.deployment.value,
            "endpoint": endpoint.kind.value,
            "addresses": addresses.find_any(
                self._settings.addresses, (parts.hostname or "", parts.port or 6379), endpoint.host
            ),
            "port": endpoint.target_port,
            "protocol": endpoint.protocol,
        }


def redis_channel(settings: IntegrationSettings) -> Channel:
    """Open the channel to the Redis server of `settings`."""
    options = ChannelOptions(
        url=settings.redis_url,
        ca_file=settings.ca_file,
        cert_file=settings.cert_file,
        key_file=settings.key_file,
        user=settings.redis_user,
        password=settings.redis_password.get_secret_value(),
        timeout_s=settings.request_timeout_s,
    )
    return open_channel(ChannelType.REDIS, options)


async def transaction(channel: Channel, commands: Sequence[Command]) -> list[Any]:
    """Run `commands` as one transaction and return the replies.

    Raises
    ------
    RefusedError
        With what to do about it.
    """
    answer = await channel.write(Message("", json.dumps(commands), HttpRequestType.POST))
    if not answer.ok:
        message = answer.body.decode(errors="replace")
        advice = {
            401: "; check ARKSERVER_REDIS_USER and ARKSERVER_REDIS_PASSWORD",
            403: "; the user needs ~arkserver:* &arkserver:* +get +set +del +sadd +srem +smembers +exists "
            "+publish +multi +exec",
        }
        raise RefusedError(f"Redis refuses: {message}{advice.get(answer.status, '')}", answer.status)
    replies: list[Any] = json.loads(answer.body)
    return replies


async def prune(channel: Channel, service: str) -> list[str]:
    """Remove instances whose keys have expired from the set of `service`, and return them."""
    (members,) = await transaction(channel, [["SMEMBERS", service_key(service)]])
    if not members:
        return []
    alive = await transaction(channel, [["EXISTS", instance_key(service, member)] for member in members])
    gone = [member for member, exists in zip(members, alive, strict=True) if not exists]
    if gone:
        await transaction(channel, [["SREM", service_key(service), *gone]])
    return gone
