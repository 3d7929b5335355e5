"""The controlled words of the integration; Arkouda's names, letter for letter.

Each reads its own spelling and Arkouda's (``KUBERNETES``, ``SystemType.KUBERNETES``).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from arkserver_channels import ChannelType, HttpRequestFormat, HttpRequestType

__all__ = [
    "ChannelType",
    "Deployment",
    "HttpRequestFormat",
    "HttpRequestType",
    "ServerDaemonType",
    "ServiceEndpoint",
    "SystemType",
    "bare_name",
]


def bare_name(text: object) -> object:
    """Drop the type from Arkouda's spelling: ``SystemType.NONE`` is ``NONE``."""
    return text.rpartition(".")[2].strip() if isinstance(text, str) else text


class _Word(StrEnum):
    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        bare = bare_name(value)
        return next((member for member in cls if member.value == str(bare).upper()), None) if bare else None


class SystemType(_Word):
    """What system is told about the server, and so what is said."""

    NONE = "NONE"
    KUBERNETES = "KUBERNETES"
    CONSUL = "CONSUL"
    REDIS = "REDIS"


class ServiceEndpoint(_Word):
    """Which door of the server."""

    ARKOUDA_CLIENT = "ARKOUDA_CLIENT"
    METRICS = "METRICS"


class Deployment(_Word):
    """Where the server runs: outside Kubernetes (Slurm, bare metal), or in a pod."""

    STANDARD = "STANDARD"
    KUBERNETES = "KUBERNETES"


class ServerDaemonType(_Word):
    """What runs in the server's process."""

    DEFAULT = "DEFAULT"
    INTEGRATION = "INTEGRATION"
    METRICS = "METRICS"
    STATUS = "STATUS"
