"""Names of settings, from flags and from the environment: ours and Arkouda's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from arkserver.cli.integration import translate
from arkserver.errors import ConfigurationError
from arkserver.integration import enums
from arkserver.integration.endpoints import Endpoint, endpoints
from arkserver.integration.enums import Deployment, ServerDaemonType, ServiceEndpoint, SystemType
from arkserver.integration.settings import load
from arkserver.settings import load as server_settings

ARKOUDAS_ENVIRONMENT = {
    "K8S_HOST": ("https://10.0.0.1:6443", "k8s_host", "https://10.0.0.1:6443"),
    "NAMESPACE": ("lab", "namespace", "lab"),
    "KEY_FILE": ("/tls.key", "key_file", Path("/tls.key")),
    "CERT_FILE": ("/tls.crt", "cert_file", Path("/tls.crt")),
    "CACERT_FILE": ("/ca.crt", "ca_file", Path("/ca.crt")),
    "EXTERNAL_SERVICE_NAME": ("arkouda-external", "service_name", "arkouda-external"),
    "EXTERNAL_SERVICE_PORT": ("6000", "service_port", 6000),
    "EXTERNAL_SERVICE_TARGET_PORT": ("6001", "service_target_port", 6001),
    "METRICS_SERVICE_NAME": ("arkouda-metrics", "metrics_service_name", "arkouda-metrics"),
    "METRICS_SERVICE_PORT": ("7000", "metrics_service_port", 7000),
    "METRICS_SERVICE_TARGET_PORT": ("7001", "metrics_service_target_port", 7001),
}


@pytest.mark.parametrize("name", ARKOUDAS_ENVIRONMENT)
def test_arkoudas_environment_names_work(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    text, field, value = ARKOUDAS_ENVIRONMENT[name]
    monkeypatch.setenv(name, text)
    assert getattr(load({}), field) == value


def test_the_token_is_read_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_TOKEN", "s3cret")
    settings = load({})
    assert settings.integration_token.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize("name", ["PROXY", "URL", "FILE", "INSTANCE", "TOKEN", "ADDRESSES", "SYSTEM_TYPE"])
def test_names_that_others_use_are_left_alone(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    plain = load({})
    monkeypatch.setenv(name, "KUBERNETES")
    assert load({}) == plain


def test_flags_win_over_the_environment_and_that_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "arkserver.toml"
    file.write_text('port = 7000\n[integration]\nservice_name = "file"\nnamespace = "file"\naddresses = ["10.0.0.1"]\n')
    monkeypatch.setenv("NAMESPACE", "environment")
    settings = load({"service_name": "flag"}, file)
    assert (settings.service_name, settings.namespace, settings.addresses) == ("flag", "environment", ["10.0.0.1"])
    assert server_settings({}, file).port == 7000


def test_a_setting_that_the_file_invents_is_named(tmp_path: Path) -> None:
    file = tmp_path / "arkserver.toml"
    file.write_text("[integration]\nservicename = 1\n")
    with pytest.raises(ConfigurationError, match=r"\[integration\] has no setting servicename"):
        load({}, file)


@pytest.mark.parametrize("text", ["KUBERNETES", "kubernetes", "SystemType.KUBERNETES"])
def test_enums_read_both_spellings(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("ARKSERVER_SYSTEM_TYPE", text)
    assert load({}).system_type is SystemType.KUBERNETES


def test_the_names_of_the_enums_are_arkoudas() -> None:
    assert [word.name for word in SystemType] == ["NONE", "KUBERNETES", "CONSUL", "REDIS"]
    assert [word.name for word in ServiceEndpoint] == ["ARKOUDA_CLIENT", "METRICS"]
    assert [word.name for word in Deployment] == ["STANDARD", "KUBERNETES"]
    assert [word.name for word in ServerDaemonType] == ["DEFAULT", "INTEGRATION", "METRICS", "STATUS"]
    assert {"ChannelType", "HttpRequestType", "HttpRequestFormat"} <= set(enums.__all__)


def test_arkoudas_flags_are_translated() -> None:
    line = [
        "start",
        "--ExternalIntegration.systemType=SystemType.KUBERNETES",
        "--ServerDaemon.daemonTypes=ServerDaemonType.INTEGRATION,ServerDaemonType.METRICS",
        "--deployment=Deployment.KUBERNETES",
        "--port=1",
    ]
    assert translate(line) == [
        "start",
        "--system-type=SystemType.KUBERNETES",
        "--daemon-types=ServerDaemonType.INTEGRATION,ServerDaemonType.METRICS",
        "--deployment=Deployment.KUBERNETES",
        "--port=1",
    ]


def test_daemon_types_say_what_is_announced() -> None:
    both = {"system_type": "KUBERNETES", "daemon_types": "ServerDaemonType.INTEGRATION,ServerDaemonType.METRICS"}
    assert load(both).wanted
    assert load(both).with_metrics
    client = load(both | {"daemon_types": "INTEGRATION"})
    assert (client.wanted, client.with_metrics) == (True, False)
    assert not load(both | {"daemon_types": "DEFAULT"}).wanted
    assert not load({"daemon_types": "INTEGRATION"}).wanted


@pytest.mark.parametrize(
    ("system", "channel"), [("NONE", ""), ("KUBERNETES", "HTTP"), ("CONSUL", "HTTP"), ("REDIS", "REDIS")]
)
def test_each_system_has_a_channel_of_its_own(system: str, channel: str) -> None:
    assert load({"system_type": system}).channel == channel
    assert load({"system_type": system, "channel_type": "ChannelType.FILE"}).channel == "FILE"


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ({"channel_type": "PIGEON"}, "known are STDOUT, FILE, HTTP, REDIS"),
        ({"system_type": "NOMAD"}, "ARKSERVER_SYSTEM_TYPE: Input should be"),
        ({"service_port": 70000}, "ARKSERVER_SERVICE_PORT"),
        ({"renew_s": 10, "lease_s": 5}, "must be longer than renew_s"),
    ],
)
def test_what_cannot_work_is_named(flags: dict[str, Any], text: str) -> None:
    with pytest.raises((ConfigurationError, LookupError), match=text):
        load(flags)


def test_doors_and_their_ports() -> None:
    plain = endpoints(load({"service_name": "lab"}), 5555, 9555)
    assert plain == [
        Endpoint(ServiceEndpoint.ARKOUDA_CLIENT, "lab", 5555, 5555),
        Endpoint(ServiceEndpoint.METRICS, "lab-metrics", 5556, 9555),
    ]
    further = {"service_target_port": 1, "metrics_service_name": "m", "metrics_service_target_port": 2}
    chosen = endpoints(load({"service_name": "lab", "metrics_service_port": 3} | further), 5555, 9555)
    assert [(door.service_name, door.service_port, door.target_port) for door in chosen] == [
        ("lab", 5555, 1),
        ("m", 3, 2),
    ]


def register(*flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "arkserver.cli", "register", "--addresses", "10.1.2.3", *flags]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_register_prints_without_a_server() -> None:
    manifests = json.loads(register("--system-type", "KUBERNETES", "--service-name", "lab").stdout)
    kinds = [(item["kind"], item["metadata"]["name"].partition("-vm")[0]) for item in manifests["items"]]
    assert [kind for kind, _ in kinds] == ["Service", "Service", "EndpointSlice", "EndpointSlice"]
    consul = json.loads(register("--system-type=CONSUL").stdout)
    assert consul["services"][0]["checks"][0]["tcp"] == "10.1.2.3:5555"
    other = json.loads(register("--port", "7").stdout)
    assert [(door["endpoint"], door["addresses"], door["port"]) for door in other["endpoints"]] == [
        ("ARKOUDA_CLIENT", ["10.1.2.3"], 7),
        ("METRICS", ["10.1.2.3"], 9555),
    ]


def test_register_writes_a_file_that_resolve_reads(tmp_path: Path) -> None:
    file = tmp_path / "registration.json"
    assert register("--channel-type", "FILE", "--integration-file", str(file)).returncode == 0
    command = [sys.executable, "-m", "arkserver.cli", "resolve", file.as_uri()]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "tcp://10.1.2.3:5555\n"


def test_register_over_http_asks_for_a_server() -> None:
    done = register("--system-type", "CONSUL", "--channel-type", "HTTP")
    assert done.returncode == 2
    assert "must be renewed" in done.stderr
