"""The chart: it lints, renders what the schemas of Kubernetes accept, and refuses values that cannot be meant."""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate
import pytest
import yaml

from arkserver.cluster.tls import security
from arkserver.integration.enums import Deployment
from arkserver.integration.kubernetes import rights
from arkserver.integration.settings import IntegrationSettings
from arkserver.settings import ServerSettings
from scripts import kustomize_base

K8S = Path(__file__).parents[2] / "deploy" / "k8s"
CHART = K8S / "chart"
KUBERNETES = [f"1.{minor}.0" for minor in range(27, int(kubernetes_validate.latest_version().split(".")[1]) + 1)]
CUSTOM = {"ServiceMonitor", "ScrapeConfig"}  # of the Prometheus operator: Kubernetes has no schema of them

ACCEPTED: dict[str, dict[str, Any]] = {
    "none": {},
    "name": {"service": {"name": "lab", "port": 6000, "metricsPort": 6001}},
    "a name that YAML takes for a truth": {"service": {"name": "true"}},
    "the longest name": {"service": {"name": "a" * 40}},
    "image by digest": {"image": {"repository": "host:5000/a/b", "digest": f"sha256:{'0' * 64}", "pullSecrets": ["1"]}},
    "no workers": {"workers": {"replicas": 0}},
    "many workers": {"workers": {"replicas": 300, "memory": {"target": False, "spill": False, "pause": 0.9}}},
    "open": {"auth": {"enabled": False}, "tls": {"enabled": False}, "networkPolicy": {"enabled": False}},
    "secrets of others": {"auth": {"existingSecret": "123"}, "tls": {"existingSecret": "certs"}},
    "tokens": {"auth": {"token": "0123456789abcdef", "users": {"ann@example.org": "a" * 16, "bob": "b" * 40}}},
    "account of others": {"serviceAccount": {"create": False, "name": "mine"}, "rbac": {"create": False}},
    "annotated account": {"serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"}}},
    "closed": {"networkPolicy": {"clients": [], "metrics": [], "dashboard": []}},
    "peers": {
        "networkPolicy": {
            "clients": [{"namespaceSelector": {"matchLabels": {"team": "a"}}, "podSelector": {}}],
            "dashboard": [{"ipBlock": {"cidr": "10.0.0.0/8"}}],
        }
    },
    "checkpoints": {"checkpoints": {"enabled": True, "size": "1Ti", "storageClassName": "nfs", "keep": False}},
    "claim of others": {"checkpoints": {"enabled": True, "existingClaim": "ours"}},
    "data": {
        "volumes": [{"name": "data", "nfs": {"server": "10.0.0.1", "path": "/"}}],
        "volumeMounts": [{"name": "data", "mountPath": "/data", "readOnly": True}],
    },
    "monitoring": {
        "serviceMonitor": {"enabled": True, "labels": {"release": "kps"}},
        "scrapeConfig": {"enabled": True},
    },
    "placing": {
        "scheduler": {
            "nodeSelector": {"kubernetes.io/arch": "amd64"},
            "tolerations": [{"key": "big", "operator": "Exists", "effect": "NoSchedule"}],
            "affinity": {"nodeAffinity": {}},
            "priorityClassName": "high",
            "resources": {"limits": {"cpu": 0.5, "memory": "1.5Gi", "nvidia.com/gpu": 1}, "requests": {}},
        },
        "workers": {
            "topologySpreadConstraints": [
                {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}
            ]
        },
    },
    "settings": {
        "scheduler": {
            "settings": {"log_level": "DEBUG", "distribute_from": 100_000_000, "warmup": False, "renew_s": 2.5},
            "env": [{"name": "TZ", "value": "UTC"}],
            "annotations": {"note": "a: b\nc: {{ d }} 'e' \"f\""},
            "labels": {"team": "a"},
        }
    },
    "OpenShift": {"podSecurity": {"runAsUser": 1_000_680_000, "runAsGroup": 1_000_680_000, "fsGroup": 1_000_680_000}},
    "no grace": {"scheduler": {"drainSeconds": 0, "memoryShare": 95}, "podDisruptionBudget": {"enabled": False}},
}

REFUSED: dict[str, dict[str, Any]] = {
    "a word that there is not": {"worker": {"replicas": 2}},
    "a word that there is not, inside": {"workers": {"replica": 2}},
    "fewer workers than none": {"workers": {"replicas": -1}},
    "workers as text": {"workers": {"replicas": "2"}},
    "a port that there is not": {"service": {"port": 70_000}},
    "a name with upper case": {"service": {"name": "Lab"}},
    "a name that begins with a digit": {"service": {"name": "1lab"}},
    "a name without room": {"service": {"name": "a" * 41}},
    "a name that is YAML": {"service": {"name": "lab\nspec: {}"}},
    "a name that is a template": {"service": {"name": "{{ .Values }}"}},
    "an image that is YAML": {"image": {"repository": "a\n  privileged: true"}},
    "an image that is shell": {"image": {"tag": "$(reboot)"}},
    "a digest cut short": {"image": {"digest": "sha256:abc"}},
    "a pull policy that there is not": {"image": {"pullPolicy": "Sometimes"}},
    "root": {"podSecurity": {"runAsUser": 0}},
    "privileges": {"podSecurity": {"privileged": True}},
    "more than the memory": {"scheduler": {"memoryShare": 120}},
    "memory in words": {"workers": {"resources": {"limits": {"memory": "lots"}}}},
    "a claim on a device": {"workers": {"resources": {"claims": [{"name": "gpu"}]}}},
    "less than no time": {"scheduler": {"drainSeconds": -1}},
    "a short token": {"auth": {"token": "secret"}},
    "a user who is two": {"auth": {"users": {"ann,bob": "a" * 16}}},
    "a token with a line of its own": {"auth": {"users": {"ann": "a" * 16 + "\nroot,x"}}},
    "a setting of the chart's own": {"scheduler": {"settings": {"authenticate": False}}},
    "a setting that is a list": {"scheduler": {"settings": {"addresses": ["a"]}}},
    "a setting that is another variable": {"scheduler": {"settings": {"x\n- name": "LD_PRELOAD"}}},
    "the label that selects": {"workers": {"labels": {"app.kubernetes.io/component": "scheduler"}}},
    "a volume of the chart's own": {"volumes": [{"name": "tls", "emptyDir": {}}]},
    "a path that is none": {"volumeMounts": [{"name": "a", "mountPath": "data"}]},
    "a peer that is everybody": {"networkPolicy": {"clients": [{}]}},
    "nothing": {"workers": None},
}


def rendered(values: dict[str, Any], name: str = "lab") -> dict[str, str]:
    with helm_python.Chart.load(CHART) as chart:
        return chart.render(values, name=name, namespace="prod")


def objects(values: dict[str, Any], name: str = "lab") -> dict[tuple[str, str], dict[str, Any]]:
    texts = [text for path, text in rendered(values, name).items() if path.endswith(".yaml")]
    found = [one for text in texts for one in yaml.safe_load_all(text) if one]
    return {(one["kind"], one["metadata"]["name"]): one for one in found}


def container(values: dict[str, Any], component: str = "scheduler") -> dict[str, Any]:
    kind = "StatefulSet" if component == "scheduler" else "Deployment"
    found: dict[str, Any] = objects(values)[kind, f"lab-{component}"]["spec"]["template"]["spec"]["containers"][0]
    return found


@pytest.fixture(scope="module", autouse=True)
def _schemas_are_read_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kubernetes_validate.utils, "schema_contents", cache(kubernetes_validate.utils.schema_contents))
        yield


def test_it_lints() -> None:
    found = helm_python.lint(CHART)
    assert found["errors"] == []
    assert [m["error"] for m in found["messages"]] == ["icon is recommended"]


@pytest.mark.parametrize("values", ACCEPTED.values(), ids=ACCEPTED)
def test_what_it_renders_is_valid(values: dict[str, Any]) -> None:
    for manifest in objects(values).values():
        if manifest["kind"] == "Secret":
            manifest["data"] = dict.fromkeys(manifest["data"], "")  # drawn anew each time
        if manifest["kind"] not in CUSTOM:
            validate(json.dumps(manifest))


@cache
def validate(manifest: str) -> None:
    """Hold a manifest against all schemas; the same one once, since most sets change little."""
    for version in KUBERNETES:
        kubernetes_validate.validate(json.loads(manifest), version, strict=True)


@pytest.mark.parametrize("values", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_meant_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(helm_python.HelmValuesError):
        rendered(values)


def test_what_the_schema_cannot_see_is_refused_in_words() -> None:
    with pytest.raises(helm_python.HelmRenderError, match=r"set service\.name"):
        rendered({}, "1lab")
    with pytest.raises(helm_python.HelmRenderError, match=r"set serviceAccount\.name"):
        rendered({"serviceAccount": {"create": False}})


def test_every_port_names_its_protocol() -> None:
    """Server-side apply, which Helm 4 uses, has it in the key of a list."""

    def ports(found: Any) -> list[dict[str, Any]]:
        if isinstance(found, list):
            return [port for one in found for port in ports(one)]
        if not isinstance(found, dict):
            return []
        own = [port for port in found.get("ports") or [] if isinstance(port, dict)]
        return own + [port for value in found.values() for port in ports(value)]

    found = ports(list(objects({}).values()))
    assert len(found) == 9
    assert {port.get("protocol") for port in found} == {"TCP"}


def test_it_grants_what_the_code_uses() -> None:
    rules = objects({})["Role", "lab-registration"]["rules"]
    granted = [(g, r, v) for rule in rules for g in rule["apiGroups"] for r in rule["resources"] for v in rule["verbs"]]
    needed = rights.needed(Deployment.KUBERNETES)
    assert sorted(granted) == sorted((right.group, right.resource, right.verb) for right in needed)


def test_every_variable_is_a_setting() -> None:
    known = {f"ARKSERVER_{name.upper()}" for c in (ServerSettings, IntegrationSettings) for name in c.model_fields}
    values = {"auth": {"enabled": True}, "checkpoints": {"enabled": True}}
    for component in ("scheduler", "workers"):
        names = {e["name"] for e in container(values, component)["env"] if e["name"].startswith("ARKSERVER_")}
        assert names <= known


def test_settings_are_written_as_the_server_reads_them() -> None:
    env = {e["name"]: e.get("value") for e in container(ACCEPTED["settings"])["env"]}
    assert env["ARKSERVER_DISTRIBUTE_FROM"] == "100000000"
    assert (env["ARKSERVER_WARMUP"], env["ARKSERVER_RENEW_S"], env["TZ"]) == ("false", "2.5", "UTC")
    template = objects(ACCEPTED["settings"])["StatefulSet", "lab-scheduler"]["spec"]["template"]
    assert template["metadata"]["annotations"] == ACCEPTED["settings"]["scheduler"]["annotations"]


def test_a_worker_knows_its_limits() -> None:
    worker = container({"workers": {"memory": {"terminate": 0.9, "spill": False}}}, "workers")
    env = {e["name"]: e.get("value") for e in worker["env"]}
    assert env["DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE"] == "0.9"
    assert env["DASK_DISTRIBUTED__WORKER__MEMORY__SPILL"] == "False"
    assert env["MALLOC_TRIM_THRESHOLD_"] == "65536"
    assert "--memory-limit=85%" in worker["command"]


@pytest.mark.parametrize("component", ["scheduler", "workers"])
def test_pods_have_no_privileges(component: str) -> None:
    kind = "StatefulSet" if component == "scheduler" else "Deployment"
    pod = objects({})[kind, f"lab-{component}"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["enableServiceLinks"] is False
    assert pod["automountServiceAccountToken"] is (component == "scheduler")
    assert pod["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_grace_covers_drain_and_checkpoint() -> None:
    found = objects({"scheduler": {"drainSeconds": 600}})["StatefulSet", "lab-scheduler"]
    assert found["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 630
    found = objects({"checkpoints": {"enabled": True, "endSeconds": 900}})["StatefulSet", "lab-scheduler"]
    assert found["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 960


def test_certificates_are_of_one_authority(tmp_path: Path) -> None:
    data = objects({})["Secret", "lab-tls"]["data"]
    for name, text in data.items():
        (tmp_path / name).write_bytes(base64.b64decode(text))
    connection = security(tmp_path)
    assert connection is not None
    client = connection.get_connection_args("worker")["ssl_context"]
    server = connection.get_listen_args("scheduler")["ssl_context"]
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname="lab-scheduler"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for end in ends * 3:
        with contextlib.suppress(ssl.SSLWantReadError):
            end.do_handshake()
    assert all(end.getpeercert() for end in ends)


def test_tokens_are_lines_of_a_file() -> None:
    data = objects(ACCEPTED["tokens"])["Secret", "lab-tokens"]["data"]
    assert base64.b64decode(data["token"]).decode() == "0123456789abcdef"
    assert base64.b64decode(data["users"]).decode() == f"ann@example.org,{'a' * 16}\nbob,{'b' * 40}\n"


def test_the_schema_knows_every_value_and_no_other() -> None:
    def compare(values: dict[str, Any], schema: dict[str, Any], path: str) -> None:
        assert set(values) == set(schema["properties"]) - {"global"}, path
        assert schema["additionalProperties"] is False, path
        assert set(values) == set(schema["required"]), path  # null takes a default away
        for name, value in values.items():
            if isinstance(value, dict) and "properties" in schema["properties"][name]:
                compare(value, schema["properties"][name], f"{path}.{name}")

    schema = json.loads((CHART / "values.schema.json").read_text())
    compare(yaml.safe_load((CHART / "values.yaml").read_text()), schema, "")


def test_the_kustomize_base_is_what_the_chart_makes() -> None:
    found = {path.name: path.read_text() for path in (K8S / "base").glob("*.yaml")}
    assert found == kustomize_base.base()  # else: python scripts/kustomize_base.py
