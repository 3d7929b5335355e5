"""Settings of the integration, with the environment names of Arkouda's page beside our own.

Every field can be set as ``ARKSERVER_<FIELD>``, the further names are listed with it, and in the table
``[integration]`` of the server's TOML file.
"""

from __future__ import annotations

import os
import socket
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from arkserver_channels import UnknownChannelError, channel_names
from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from arkserver.errors import ConfigurationError
from arkserver.integration.enums import ChannelType, Deployment, ServerDaemonType, SystemType, bare_name
from arkserver.settings import INTEGRATION_TABLE

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where Kubernetes puts the token, the CA and the namespace of a pod's service account."""

Port = Annotated[int, Field(ge=1, le=65535)]


def _alias(name: str, *further: str) -> AliasChoices:
    return AliasChoices(f"ARKSERVER_{name.upper()}", *further)


def _words(value: Any) -> Any:
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def _pairs(value: Any) -> Any:
    return dict(word.partition("=")[::2] for word in _words(value)) if isinstance(value, str) else value


def _channel(value: Any) -> Any:
    bare = bare_name(value)
    names = {name.upper(): name for name in channel_names()}
    if not bare or str(bare).upper() in names:
        return names.get(str(bare).upper(), "")
    raise UnknownChannelError(f"unknown channel {bare!r}; known are {', '.join(names.values())}")


class IntegrationSettings(BaseSettings):
    """What is told to which system, and how to reach it."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, use_attribute_docstrings=True)

    system_type: SystemType = Field(SystemType.NONE, validation_alias=_alias("system_type"))
    """System to register with: NONE, KUBERNETES, CONSUL or REDIS."""
    channel_type: Annotated[str, BeforeValidator(_channel)] = Field("", validation_alias=_alias("channel_type"))
    """How it is told; empty: HTTP for KUBERNETES and CONSUL, REDIS for REDIS, not at all for NONE."""
    deployment: Deployment = Field(Deployment.STANDARD, validation_alias=_alias("deployment"))
    """KUBERNETES if the server runs in a pod, else STANDARD."""
    daemon_types: Annotated[list[ServerDaemonType], NoDecode, BeforeValidator(_words)] = Field(
        default_factory=list, validation_alias=_alias("daemon_types")
    )
    """Arkouda's way to say what runs, DEFAULT, INTEGRATION, METRICS, STATUS; empty: as the other settings say."""

    service_name: str = Field("arkserver", validation_alias=_alias("service_name", "EXTERNAL_SERVICE_NAME"))
    """Name that clients find the server by."""
    service_port: Port = Field(5555, validation_alias=_alias("service_port", "EXTERNAL_SERVICE_PORT"))
    """Port of the client service."""
    service_target_port: Port | None = Field(
        None, validation_alias=_alias("service_target_port", "EXTERNAL_SERVICE_TARGET_PORT")
    )
    """Port for clients at the server; none: the one it listens on."""
    metrics_service_name: str = Field("", validation_alias=_alias("metrics_service_name", "METRICS_SERVICE_NAME"))
    """Empty: the client service's name and ``-metrics``."""
    metrics_service_port: Port = Field(5556, validation_alias=_alias("metrics_service_port", "METRICS_SERVICE_PORT"))
    """Port of the metrics service."""
    metrics_service_target_port: Port | None = Field(
        None, validation_alias=_alias("metrics_service_target_port", "METRICS_SERVICE_TARGET_PORT")
    )
    """Port of the metrics at the server; none: the one it listens on."""
    addresses: Annotated[list[str], NoDecode, BeforeValidator(_words)] = Field(
        default_factory=list, validation_alias=_alias("addresses", "ARKSERVER_ADDRESS")
    )
    """Addresses, or names of network interfaces, to register; empty: those that route to the system."""
    instance: str = Field("", validation_alias=_alias("instance"))
    """What tells this server from others of the same service; empty: host name and port."""

    k8s_host: str = Field("", validation_alias=_alias("k8s_host", "K8S_HOST"))
    """URL of the Kubernetes API; empty: as the pod's environment says."""
    kubernetes_service_host: str = Field("", validation_alias=AliasChoices("KUBERNETES_SERVICE_HOST"))
    """Host of the API, as a pod is told."""
    kubernetes_service_port: str = Field("443", validation_alias=AliasChoices("KUBERNETES_SERVICE_PORT"))
    """Port of the API, as a pod is told."""
    service_account: Path = Field(SERVICE_ACCOUNT, validation_alias=_alias("service_account"))
    """Folder with token, ca.crt and namespace of the pod's service account."""
    namespace: str = Field("", validation_alias=_alias("namespace", "NAMESPACE"))
    """Empty: the pod's, else ``default``."""
    pod_name: str = Field(default_factory=socket.gethostname, validation_alias=_alias("pod_name", "POD_NAME"))
    """Name of the pod that the server runs in."""
    pod_selector: Annotated[dict[str, str], NoDecode, BeforeValidator(_pairs)] = Field(
        default_factory=dict, validation_alias=_alias("pod_selector")
    )
    """Labels ``a=b,c=d`` that the Service selects the server's pod by; empty: the pod's own."""

    ca_file: Path | None = Field(None, validation_alias=_alias("ca_file", "CACERT_FILE"))
    """Certificates of the authorities that may vouch for the system; none: the machine's."""
    cert_file: Path | None = Field(None, validation_alias=_alias("cert_file", "CERT_FILE"))
    """Client certificate."""
    key_file: Path | None = Field(None, validation_alias=_alias("key_file", "KEY_FILE"))
    """Key of the client certificate."""
    integration_token: SecretStr = Field(SecretStr(""), validation_alias=_alias("integration_token", "SSL_TOKEN"))
    """Bearer token."""
    token_file: Path | None = Field(None, validation_alias=_alias("token_file", "SSL_TOKEN_FILE"))
    """File with the bearer token; it is read again when it changes, and wins over the token."""
    proxy: str | None = Field(None, validation_alias=_alias("proxy"))
    """URL of an HTTP proxy; none: as the usual environment variables say."""

    consul_url: str = Field("http://127.0.0.1:8500", validation_alias=_alias("consul_url", "CONSUL_HTTP_ADDR"))
    """URL of the Consul agent."""
    consul_token: SecretStr = Field(SecretStr(""), validation_alias=_alias("consul_token", "CONSUL_HTTP_TOKEN"))
    """Token of Consul's access control."""
    consul_deregister_after_s: float = Field(60.0, ge=60, validation_alias=_alias("consul_deregister_after_s"))
    """Seconds in critical state after which Consul forgets the service; its least is a minute."""
    redis_url: str = Field("redis://127.0.0.1:6379/0", validation_alias=_alias("redis_url", "REDIS_URL"))
    """URL of the Redis server; rediss:// for TLS."""
    redis_user: str = Field("", validation_alias=_alias("redis_user"))
    """User of Redis' access control list."""
    redis_password: SecretStr = Field(SecretStr(""), validation_alias=_alias("redis_password"))
    """Password of that user."""

    integration_url: str = Field("", validation_alias=_alias("integration_url"))
    """HTTP channel without a system of its own: where the JSON registration is put and deleted."""
    integration_file: str = Field("arkserver-registration.json", validation_alias=_alias("integration_file"))
    """FILE channel: the file. REDIS channel: the key."""
    integration_file_append: bool = Field(False, validation_alias=_alias("integration_file_append"))
    """FILE channel: add to the file instead of replacing it."""
    prometheus_file: Path | None = Field(None, validation_alias=_alias("prometheus_file"))
    """File for Prometheus' ``file_sd_configs``, kept beside whatever else is told to whom."""

    renew_s: float = Field(15.0, gt=0, validation_alias=_alias("renew_s"))
    """Seconds between renewals."""
    lease_s: float = Field(45.0, ge=1, validation_alias=_alias("lease_s"))
    """Seconds without renewal after which others may take the registration for stale."""
    request_timeout_s: float = Field(5.0, gt=0, validation_alias=_alias("request_timeout_s"))
    """Seconds that one request may take."""
    withdraw_s: float = Field(5.0, gt=0, validation_alias=_alias("withdraw_s"))
    """Time limit of the withdrawal."""

    @model_validator(mode="after")
    def _lease_outlives_renewal(self) -> IntegrationSettings:
        if self.lease_s <= self.renew_s:
            raise ConfigurationError(
                f"lease_s ({self.lease_s:g}) must be longer than renew_s ({self.renew_s:g}), "
                "or the registration expires between two renewals"
            )
        return self

    @property
    def channel(self) -> str:
        """The channel in effect; empty if nothing is told to anybody."""
        native = {SystemType.NONE: "", SystemType.REDIS: ChannelType.REDIS.value}
        return self.channel_type or native.get(self.system_type, ChannelType.HTTP.value)

    @property
    def wanted(self) -> bool:
        """Whether anything is to be announced."""
        told = not self.daemon_types or ServerDaemonType.INTEGRATION in self.daemon_types
        return told and bool(self.channel or self.prometheus_file)

    @property
    def with_metrics(self) -> bool:
        """Whether the metrics are announced too."""
        return not self.daemon_types or ServerDaemonType.METRICS in self.daemon_types

    @property
    def metrics_name(self) -> str:
        return self.metrics_service_name or f"{self.service_name}-metrics"


def load(flags: Mapping[str, Any], config: Path | None = None) -> IntegrationSettings:
    """Return the settings from flags, environment and the table ``[integration]`` of the TOML file `config`.

    Raises
    ------
    ConfigurationError
        One line that names the setting and what is wrong with it.
    """
    given = {**_from_file(config), **flags}
    try:
        return IntegrationSettings(**{environment_names(name)[0]: value for name, value in given.items()})
    except ValidationError as error:
        reasons = (f"{'.'.join(map(str, e['loc']))}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors())
        raise ConfigurationError("; ".join(reasons)) from None


def _from_file(config: Path | None) -> dict[str, Any]:
    """Return what the file says and the environment does not."""
    if config is None:
        return {}
    try:
        table = tomllib.loads(config.read_text()).get(INTEGRATION_TABLE, {})
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"--config {config}: {error}") from None
    if unknown := table.keys() - IntegrationSettings.model_fields.keys():
        raise ConfigurationError(
            f"--config {config}: [{INTEGRATION_TABLE}] has no setting {', '.join(sorted(unknown))}"
        )
    return {name: value for name, value in table.items() if not any(map(os.environ.get, environment_names(name)))}


def environment_names(field: str) -> list[str]:
    """Return the environment variables that a field is read from, the strongest first."""
    alias = IntegrationSettings.model_fields[field].validation_alias
    return [str(choice) for choice in alias.choices] if isinstance(alias, AliasChoices) else []
