"""How to reach the Kubernetes API: as the settings say, else as a pod's environment says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from arkserver_channels import ChannelOptions

from arkserver.errors import ConfigurationError
from arkserver.integration.settings import IntegrationSettings


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the API is, and as who."""

    options: ChannelOptions
    namespace: str

    @property
    def host_and_port(self) -> tuple[str, int]:
        parts = urlsplit(self.options.url)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def connection(settings: IntegrationSettings) -> Connection:
    """Work out the connection.

    Raises
    ------
    ConfigurationError
        There is no URL, and this is no pod.
    """
    inside = settings.service_account if not settings.k8s_host else None
    has_credentials = bool(settings.integration_token.get_secret_value() or settings.token_file or settings.cert_file)
    options = ChannelOptions(
        url=_url(settings),
        ca_file=settings.ca_file or _existing(inside, "ca.crt"),
        cert_file=settings.cert_file,
        key_file=settings.key_file,
        token=settings.integration_token.get_secret_value(),
        token_file=settings.token_file or (None if has_credentials else _existing(inside, "token")),
        timeout_s=settings.request_timeout_s,
        proxy=settings.proxy,
    )
    return Connection(options, namespace(settings))


def namespace(settings: IntegrationSettings) -> str:
    """Return the namespace in the settings, else the pod's, else ``default``."""
    if settings.namespace:
        return settings.namespace
    file = _existing(settings.service_account, "namespace")
    return file.read_text().strip() if file else "default"


def _url(settings: IntegrationSettings) -> str:
    if settings.k8s_host:
        return settings.k8s_host.rstrip("/")
    if not settings.kubernetes_service_host:
        raise ConfigurationError(
            "no Kubernetes API to register with: set K8S_HOST to its URL, such as https://10.0.0.1:6443 "
            "(kubectl cluster-info shows it); a pod finds it in KUBERNETES_SERVICE_HOST"
        )
    host = settings.kubernetes_service_host
    return f"https://{f'[{host}]' if ':' in host else host}:{settings.kubernetes_service_port}"


def _existing(folder: Path | None, name: str) -> Path | None:
    file = folder / name if folder else None
    return file if file and file.exists() else None
