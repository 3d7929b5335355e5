"""Removing registrations that nobody renews."""

from __future__ import annotations

from arkserver_channels import open_channel

from arkserver.errors import ConfigurationError
from arkserver.integration import redis
from arkserver.integration.enums import ChannelType, SystemType
from arkserver.integration.identity import identity
from arkserver.integration.kubernetes.api import KubernetesApi
from arkserver.integration.kubernetes.connection import connection
from arkserver.integration.kubernetes.slices import routes
from arkserver.integration.kubernetes.sweep import sweep
from arkserver.integration.settings import IntegrationSettings


async def reap(settings: IntegrationSettings) -> list[str]:
    """Remove what has expired in the system of `settings`, and return what that was.

    Raises
    ------
    ConfigurationError
        The system has nothing that expires, or forgets by itself.
    """
    match settings.system_type:
        case SystemType.KUBERNETES:
            return await _reap_kubernetes(settings)
        case SystemType.REDIS:
            return await _reap_redis(settings)
        case SystemType.CONSUL:
            raise ConfigurationError("Consul forgets expired services by itself (deregister-critical-after)")
        case SystemType.NONE:
            raise ConfigurationError("say which system to look at: --system-type KUBERNETES or REDIS")


async def _reap_kubernetes(settings: IntegrationSettings) -> list[str]:
    way = connection(settings)
    api = KubernetesApi(open_channel(ChannelType.HTTP, way.options), way.namespace)
    try:
        return await sweep(api, await routes(api, identity(settings.instance, 0)))
    finally:
        await api.close()


async def _reap_redis(settings: IntegrationSettings) -> list[str]:
    channel = redis.redis_channel(settings)
    try:
        return [
            f"instance {instance} of {service}"
            for service in (settings.service_name, settings.metrics_name)
            for instance in await redis.prune(channel, service)
        ]
    finally:
        await channel.close()
