"""Which systems there are, and what each is told by over which channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from arkserver_channels import ChannelOptionsError

from arkserver.errors import ConfigurationError
from arkserver.integration.consul import ConsulSystem
from arkserver.integration.documents import document_system, prometheus_system
from arkserver.integration.endpoints import Endpoint
from arkserver.integration.enums import ChannelType, SystemType
from arkserver.integration.identity import Identity, identity
from arkserver.integration.kubernetes.system import KubernetesSystem
from arkserver.integration.redis import RedisSystem
from arkserver.integration.settings import IntegrationSettings
from arkserver.integration.system import System

Maker = Callable[[IntegrationSettings, Sequence[Endpoint], Identity], System]

_NATIVE: Mapping[tuple[SystemType, str], Maker] = {
    (SystemType.KUBERNETES, ChannelType.HTTP): KubernetesSystem,
    (SystemType.CONSUL, ChannelType.HTTP): ConsulSystem,
    (SystemType.REDIS, ChannelType.REDIS): RedisSystem,
}
"""Where there is somebody to talk with. Over any other channel a system is told by a document."""


def make_systems(settings: IntegrationSettings, endpoints: Sequence[Endpoint]) -> list[System]:
    """Return everything that `settings` want told; an empty list if nothing.

    Raises
    ------
    ConfigurationError
        The settings cannot work.
    """
    me = identity(settings.instance, endpoints[0].target_port)
    systems: list[System] = []
    try:
        if settings.channel:
            maker = _NATIVE.get((settings.system_type, settings.channel), document_system)
            systems.append(maker(settings, endpoints, me))
        if settings.prometheus_file:
            systems.append(prometheus_system(settings, endpoints, settings.prometheus_file))
    except ChannelOptionsError as error:
        raise ConfigurationError(str(error)) from error
    return systems
