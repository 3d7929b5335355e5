"""The doors of the server that are announced."""

from __future__ import annotations

from dataclasses import dataclass

from arkserver.integration.enums import ServiceEndpoint
from arkserver.integration.settings import IntegrationSettings

PORT_NAMES = {ServiceEndpoint.ARKOUDA_CLIENT: "arkouda-client", ServiceEndpoint.METRICS: "metrics"}
"""At most 15 characters, as Kubernetes asks."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One door."""

    kind: ServiceEndpoint
    service_name: str
    """Name that it is found by."""
    service_port: int
    """Port at the service, for systems that have such a thing."""
    target_port: int
    """Port at the server."""
    protocol: str = "TCP"
    host: str = ""
    """Address that the door is open on; empty: every one of the machine's."""

    @property
    def port_name(self) -> str:
        return PORT_NAMES[self.kind]


def endpoints(settings: IntegrationSettings, client_port: int, metrics_port: int, host: str = "") -> list[Endpoint]:
    """Return what `settings` want announced of a server that listens on these ports of the address `host`."""
    found = [
        Endpoint(
            ServiceEndpoint.ARKOUDA_CLIENT,
            settings.service_name,
            settings.service_port,
            settings.service_target_port or client_port,
            host=host,
        )
    ]
    if settings.with_metrics:
        target = settings.metrics_service_target_port or metrics_port
        port = settings.metrics_service_port
        found.append(Endpoint(ServiceEndpoint.METRICS, settings.metrics_name, port, target, host=host))
    return found
