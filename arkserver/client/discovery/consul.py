"""Servers that Consul knows, and whose check passes."""

from __future__ import annotations

import ssl
from urllib.parse import SplitResult, quote

from arkserver.client.discovery import http
from arkserver.client.discovery.settings import DiscoverySettings
from arkserver.client.discovery.targets import DiscoveryError, Target


def resolve(parts: SplitResult, settings: DiscoverySettings) -> list[Target]:
    """Ask the agent at ``consul://host:port/service``."""
    service = parts.path.strip("/")
    if not parts.hostname or not service:
        raise DiscoveryError(f"{parts.geturl()} should be consul://host:port/service")
    scheme = "https" if parts.scheme == "consuls" else "http"
    agent = parts.netloc if parts.port else f"{parts.netloc}:8500"
    url = f"{scheme}://{agent}/v1/health/service/{quote(service)}?passing"
    headers = {"X-Consul-Token": settings.consul_token} if settings.consul_token else {}
    context = ssl.create_default_context(cafile=settings.ca_file or None)
    found = http.get(url, headers, context, settings.timeout_s)
    # An empty address means the node's.
    return [Target(e["Service"]["Address"] or e["Node"]["Address"], e["Service"]["Port"]) for e in found]
