"""Checks that several systems share, and those of Consul and Redis."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from arkserver_channels import ChannelOptions, Message, open_channel

from arkserver.integration import consul, redis
from arkserver.integration.enums import ChannelType, HttpRequestType
from arkserver.integration.findings import Finding
from arkserver.integration.settings import IntegrationSettings


async def check_name(host: str, port: int) -> Finding:
    """Whether the host's name resolves."""
    try:
        infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        text = f"{host} does not resolve ({error.strerror}); correct the URL, or the name service of this machine"
        return Finding("name", ok=False, text=text)
    return Finding("name", ok=True, text=f"{host} is {', '.join(sorted({str(info[4][0]) for info in infos}))}")


async def check_consul(settings: IntegrationSettings) -> AsyncIterator[Finding]:
    """Check name, answer and rights at the Consul agent."""
    url = consul.agent_url(settings.consul_url)
    parts = urlsplit(url)
    found = await check_name(parts.hostname or "", parts.port or 8500)
    yield found
    if not found.ok:
        return
    token = settings.consul_token.get_secret_value() or settings.integration_token.get_secret_value()
    options = ChannelOptions(url=url, ca_file=settings.ca_file, token=token, timeout_s=settings.request_timeout_s)
    async with open_channel(ChannelType.HTTP, options) as channel:
        answer = await channel.write(Message("/v1/agent/self", request_type=HttpRequestType.GET))
        if answer.status == 403:
            text = "the token may not ask the agent about itself, which is no harm; service:write is what counts"
            yield Finding("consul", ok=True, text=text)
        elif answer.ok:
            config = json.loads(answer.body)["Config"]
            text = f"agent {config['NodeName']} of {config['Datacenter']}, version {config['Version']}"
            yield Finding("consul", ok=True, text=text)
        else:
            text = f"{url} answers {answer.status}; is that a Consul agent?"
            yield Finding("consul", ok=False, text=text)


async def check_redis(settings: IntegrationSettings) -> AsyncIterator[Finding]:
    """Check name, answer and rights at the Redis server."""
    parts = urlsplit(settings.redis_url)
    found = await check_name(parts.hostname or "", parts.port or 6379)
    yield found
    if not found.ok:
        return
    channel = redis.redis_channel(settings)
    async with channel:
        key = redis.instance_key(settings.service_name, "doctor")
        await redis.transaction(channel, [["SET", key, "doctor", "PX", "1000"], ["GET", key], ["DEL", key]])
        members = redis.service_key(settings.service_name)
        await redis.transaction(channel, [["SADD", members, "doctor"], ["SREM", members, "doctor"]])
        notice = redis.changes_channel(settings.service_name)
        await redis.transaction(channel, [["PUBLISH", notice, '{"event": "doctor"}']])
    yield Finding("redis", ok=True, text=f"keys of {settings.service_name} can be written")
