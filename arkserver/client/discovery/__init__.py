"""Where a server is: from ``k8s://``, ``consul://``, ``redis://``, ``file://`` or ``tcp://`` to host and port.

Uses the standard library only, as everything that the client imports must be small. Redis is asked over a plain socket
(two commands of its protocol), so that a notebook needs no Redis library either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from urllib.parse import SplitResult, urlsplit

from arkserver.client.discovery import consul, files, kubernetes, redis
from arkserver.client.discovery.settings import DiscoverySettings
from arkserver.client.discovery.targets import DiscoveryError, Target

__all__ = ["DiscoveryError", "DiscoverySettings", "Target", "resolve"]

_SCHEMES: Mapping[str, Callable[[SplitResult, DiscoverySettings], list[Target]]] = MappingProxyType(
    {
        "k8s": kubernetes.resolve,
        "consul": consul.resolve,
        "consuls": consul.resolve,
        "redis": redis.resolve,
        "rediss": redis.resolve,
        "file": files.resolve,
        "tcp": files.resolve_tcp,
    }
)


def resolve(url: str, settings: DiscoverySettings | None = None) -> list[Target]:
    """Return where the servers behind `url` are, at least one.

    Parameters
    ----------
    url : str
        ``k8s://namespace/service``, ``consul://host:port/service`` (``consuls`` over TLS), ``redis://host:port/service``
        (``rediss`` over TLS), ``file:///path`` or ``tcp://host:port``.
    settings : DiscoverySettings, optional
        Credentials; the environment's if not given.

    Raises
    ------
    DiscoveryError
        Nobody is there, or the system that knows could not be asked.
    """
    parts = urlsplit(url)
    find = _SCHEMES.get(parts.scheme)
    if find is None:
        known = ", ".join(f"{scheme}://" for scheme in _SCHEMES)
        raise DiscoveryError(f"cannot look up {url!r}; known are {known}")
    if found := find(parts, settings or DiscoverySettings.from_environment()):
        return found
    raise DiscoveryError(f"no server is registered as {url}; is it started, and registered under that name?")
