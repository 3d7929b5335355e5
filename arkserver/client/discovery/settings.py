"""How to ask the systems that know where servers are: the only place of the look-up that reads the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DiscoverySettings:
    """Credentials and places, by the same names as those of the server's integration."""

    k8s_host: str = ""
    """URL of the Kubernetes API; empty: cluster DNS inside of a pod, kubeconfig elsewhere."""
    in_cluster: bool = False
    kubeconfig: str = ""
    """Path; empty: ``~/.kube/config``."""
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    token: str = field(default="", repr=False)
    token_file: str = ""
    consul_token: str = field(default="", repr=False)
    redis_user: str = ""
    redis_password: str = field(default="", repr=False)
    timeout_s: float = 10.0

    @classmethod
    def from_environment(cls) -> DiscoverySettings:
        """Return the settings that the environment gives."""
        get = os.environ.get
        return cls(
            k8s_host=get("K8S_HOST", ""),
            in_cluster="KUBERNETES_SERVICE_HOST" in os.environ,
            kubeconfig=get("KUBECONFIG") or str(Path.home() / ".kube" / "config"),
            ca_file=get("CACERT_FILE", ""),
            cert_file=get("CERT_FILE", ""),
            key_file=get("KEY_FILE", ""),
            token=get("SSL_TOKEN", ""),
            token_file=get("SSL_TOKEN_FILE", ""),
            consul_token=get("CONSUL_HTTP_TOKEN", ""),
            redis_user=get("ARKSERVER_REDIS_USER", ""),
            redis_password=get("ARKSERVER_REDIS_PASSWORD", ""),
        )

    def bearer(self) -> str:
        """Return the bearer token, read from its file if there is one."""
        return Path(self.token_file).read_text().strip() if self.token_file else self.token
