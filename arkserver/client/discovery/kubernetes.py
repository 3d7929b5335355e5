"""Servers behind a Kubernetes Service: by cluster DNS inside of a pod, by the API elsewhere."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from typing import Any
from urllib.parse import SplitResult, quote

from arkserver.client.discovery import http, kubeconfig
from arkserver.client.discovery.kubeconfig import Access
from arkserver.client.discovery.settings import DiscoverySettings
from arkserver.client.discovery.targets import DEFAULT_PORT, PORT_NAME, DiscoveryError, Target, targets

_VERSIONS = ("v1", "v1beta1")


def resolve(parts: SplitResult, settings: DiscoverySettings) -> list[Target]:
    """Look ``k8s://namespace/service`` up; inside of a pod ``k8s://namespace/service:port`` if it is not 5555."""
    namespace = parts.netloc
    service, _, port = parts.path.strip("/").partition(":")
    if not namespace or not service:
        raise DiscoveryError(f"{parts.geturl()} should be k8s://namespace/service")
    if settings.in_cluster and not settings.k8s_host:
        return _by_name(namespace, service, int(port or DEFAULT_PORT))
    access = _from_settings(settings) if settings.k8s_host else kubeconfig.access(settings)
    return _by_api(access, namespace, service, settings.timeout_s)


def _by_name(namespace: str, service: str, port: int) -> list[Target]:
    host = f"{service}.{namespace}.svc"
    try:
        socket.getaddrinfo(host, port)
    except socket.gaierror as error:
        text = (
            f"cluster DNS does not know {host} ({error.strerror}); is the server registered in namespace {namespace}?"
        )
        raise DiscoveryError(text) from error
    return [Target(host, port)]


def _from_settings(settings: DiscoverySettings) -> Access:
    context = ssl.create_default_context(cafile=settings.ca_file or None)
    if settings.cert_file:
        context.load_cert_chain(settings.cert_file, settings.key_file or None)
    return Access(settings.k8s_host.rstrip("/"), settings.bearer(), context)


def _by_api(access: Access, namespace: str, service: str, timeout_s: float) -> list[Target]:
    headers = {"Authorization": f"Bearer {access.token}"} if access.token else {}
    for version in _VERSIONS:
        label = quote(f"kubernetes.io/service-name={service}")
        path = f"/apis/discovery.k8s.io/{version}/namespaces/{quote(namespace)}/endpointslices?labelSelector={label}"
        try:
            found = http.get(access.server + path, headers, access.context, timeout_s)
        except http.NotFoundError:
            continue
        return [target for part in found["items"] for target in _from_slice(part)]
    path = f"/api/v1/namespaces/{quote(namespace)}/endpoints/{quote(service)}"
    try:
        endpoints = http.get(access.server + path, headers, access.context, timeout_s)
    except http.NotFoundError:
        return []
    return [target for subset in endpoints.get("subsets") or [] for target in _from_subset(subset)]


def _from_slice(part: dict[str, Any]) -> list[Target]:
    ready = [e for e in part.get("endpoints") or [] if (e.get("conditions") or {}).get("ready") is not False]
    addresses = [address for endpoint in ready for address in endpoint["addresses"]]
    return targets(addresses, port) if (port := _client_port(part.get("ports"))) else []


def _from_subset(subset: dict[str, Any]) -> list[Target]:
    addresses = [address["ip"] for address in subset.get("addresses") or []]
    return targets(addresses, port) if (port := _client_port(subset.get("ports"))) else []


def _client_port(ports: Iterable[dict[str, Any]] | None) -> int | None:
    """Return the port for clients: the one of that name, or the only one."""
    all_ports = list(ports or [])
    named = [port["port"] for port in all_ports if port.get("name") == PORT_NAME]
    only = [port["port"] for port in all_ports] if len(all_ports) == 1 else []
    return next(iter(named or only), None)
