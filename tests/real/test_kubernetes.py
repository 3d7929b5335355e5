"""The registration with real clusters, beyond the matrix: versions, rights, families, cost, discovery, Prometheus."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from arkserver.integration.doctor import diagnose
from arkserver.integration.endpoints import endpoints
from arkserver.integration.enums import Deployment
from arkserver.integration.findings import Finding
from arkserver.integration.kubernetes import rights
from arkserver.integration.reap import reap
from arkserver.integration.registrar import Registrar, RegistrationState
from arkserver.integration.settings import IntegrationSettings, load
from tests.real import scenarios
from tests.real.scenarios import Run, play
from tests.real.site import CLIENT, LEASE_S, MANIFESTS, METRICS, METRICS_PORT, PORT, ROOT, Site, Tenant
from tests.support.servers import binary
from tests.support.servers.kubernetes import kubeconfig
from tests.support.servers.process import Process, eventually

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("cluster")]


def settings_for(tenant: Tenant, **further: Any) -> IntegrationSettings:
    common = {
        "system_type": "KUBERNETES",
        "deployment": tenant.deployment,
        "k8s_host": f"https://{tenant.gateway.host}:{tenant.gateway.port}",
        "namespace": tenant.name,
        "ca_file": tenant.ca_file,
        "token_file": tenant.token_file,
        "service_name": CLIENT,
        "instance": "one",
        "addresses": ["192.0.2.7"],
        "renew_s": 0.3,
        "lease_s": 2,
    }
    return load(common | further)


async def until(condition: Callable[[], object], seconds: float = 20) -> None:
    await asyncio.to_thread(eventually, condition, "condition", seconds)


def live(settings: IntegrationSettings, meanwhile: Callable[[Registrar], Awaitable[None]]) -> Registrar:
    """Keep a registration up while `meanwhile` runs."""
    registrar = Registrar(settings, endpoints(settings, PORT, METRICS_PORT))

    async def go() -> None:
        await registrar.start()
        try:
            await until(lambda: registrar.status().state is not RegistrationState.ANNOUNCING)
            await meanwhile(registrar)
        finally:
            await registrar.stop()

    asyncio.run(go())
    return registrar


# --- the old end of the range, and clusters without EndpointSlices ---------------------------------------------------

ON_OLD = (scenarios.first_start, scenarios.restart_after_kill, scenarios.second_instance, scenarios.service_deleted)


@pytest.mark.parametrize("deployment", ["STANDARD", "KUBERNETES"], ids=["external", "internal"])
@pytest.mark.parametrize("scenario", ON_OLD, ids=lambda scenario: scenario.__name__)
def test_kubernetes_1_20(old_site: Site, scenario: Callable[[Run], None], deployment: str) -> None:
    for one in play(old_site, deployment, scenario, "SIGTERM", CLIENT):
        assert one.found == one.wanted, one.what


def test_without_endpoint_slices_an_endpoints_object_is_shared(bare_site: Site) -> None:
    with bare_site.tenant("STANDARD", role="role-endpoints") as tenant:
        path = f"/api/v1/namespaces/{tenant.name}/endpoints/{CLIENT}"

        def addresses() -> set[str]:
            found = tenant.cluster.get(path)
            assert all(subset["ports"][0]["port"] == PORT for subset in found.get("subsets") or [])
            return {address["ip"] for subset in found.get("subsets") or [] for address in subset["addresses"]}

        async def with_other(registrar: Registrar) -> None:
            assert registrar.status().state is RegistrationState.REGISTERED, registrar.status()
            assert addresses() == {"192.0.2.7"}
            settings = settings_for(tenant, instance="two", addresses=["192.0.2.8"])
            other = Registrar(settings, endpoints(settings, PORT, METRICS_PORT))
            await other.start()
            await until(lambda: addresses() == {"192.0.2.7", "192.0.2.8"})
            tenant.cluster.merge(path, {"subsets": None})
            await until(lambda: addresses() == {"192.0.2.7", "192.0.2.8"})
            await other.stop()
            assert addresses() == {"192.0.2.7"}

        live(settings_for(tenant), with_other)
        paths = [f"/api/v1/namespaces/{tenant.name}/{kind}" for kind in ("services", "endpoints")]
        assert [tenant.cluster.items(path) for path in paths] == [[], []]


# --- rights ----------------------------------------------------------------------------------------------------------

ROLES = {"role": Deployment.STANDARD, "role-internal": Deployment.KUBERNETES}


def granted(role: str) -> set[tuple[str, str, str]]:
    rules = yaml.safe_load((MANIFESTS / f"{role}.yaml").read_text())["rules"]
    return {(g, r, v) for rule in rules for g in rule["apiGroups"] for r in rule["resources"] for v in rule["verbs"]}


@pytest.mark.parametrize("role", [*ROLES, "role-endpoints"])
def test_the_role_grants_what_the_doctor_asks_for(role: str) -> None:
    needed = rights.needed(ROLES.get(role, Deployment.STANDARD), slices=role != "role-endpoints")
    assert granted(role) == {(right.group, right.resource, right.verb) for right in needed}


def whole_life(tenant: Tenant) -> list[str]:
    """Live through everything that a registration can do, and return what went wrong."""
    problems: list[str] = []

    async def life(registrar: Registrar) -> None:
        if error := registrar.status().last_error:
            problems.append(error)
            return
        await _disturb(tenant)
        await until(lambda: registrar.status().last_error or undisturbed(tenant), 6)
        problems.extend(filter(None, [registrar.status().last_error]))

    tenant.cluster.post(f"/apis/coordination.k8s.io/v1/namespaces/{tenant.name}/leases", stale_lease(tenant.deployment))
    further: dict[str, Any] = {}
    if tenant.deployment == "KUBERNETES":
        machine = tenant.site.network.machine()
        tenant.pod(machine)
        further = {"pod_name": machine.name}
        tenant.site.network.give_back(machine)
    settings = settings_for(tenant, withdraw_s=1.5, **further)
    try:
        registrar = live(settings, life)
    except AssertionError as error:
        problems.append(str(error))
    else:
        problems.extend(filter(None, [registrar.status().last_error]))
    try:
        asyncio.run(reap(settings))
    except Exception as error:  # noqa: BLE001 - whatever goes wrong is the finding
        problems.append(str(error))
    return problems


def stale_lease(deployment: str) -> dict[str, Any]:
    annotations = {"arkserver/services": "lab,lab-metrics", "arkserver/deployment": deployment}
    labels = {"app.kubernetes.io/managed-by": "arkserver", "arkserver/instance": "gone"}
    spec = {"holderIdentity": "gone/1", "leaseDurationSeconds": 1, "renewTime": "2020-01-01T00:00:00.000000Z"}
    return {"metadata": {"name": "lab-gone", "labels": labels, "annotations": annotations}, "spec": spec}


async def _disturb(tenant: Tenant) -> None:
    """Give the Service a selector, wait for what the cluster's controllers make of it, and edit a slice."""
    path = f"/api/v1/namespaces/{tenant.name}/services/{CLIENT}"
    tenant.cluster.merge(path, {"spec": {"selector": {"app": "other"}}})
    if tenant.deployment == "STANDARD":
        slices = tenant.cluster.items(f"{tenant.slices_path()}?labelSelector=arkserver/instance=one")
        changes = {"endpoints": [{"addresses": ["192.0.2.99"]}]}
        tenant.cluster.merge(f"{tenant.slices_path()}/{slices[0]['metadata']['name']}", changes)
    await asyncio.sleep(1)


def undisturbed(tenant: Tenant) -> bool:
    found = tenant.holds(CLIENT)
    wanted = {} if tenant.deployment == "STANDARD" else {"app": "arkserver"}
    return bool(
        found["service"] and found["service"]["selector"] == wanted and ("192.0.2.99", PORT) not in found["addresses"]
    )


@pytest.mark.parametrize("role", ROLES)
def test_with_all_rights_nothing_fails(site: Site, role: str) -> None:
    with site.tenant(ROLES[role].value) as tenant:
        assert whole_life(tenant) == []
        assert tenant.leftovers() == []


@pytest.mark.parametrize(("role", "right"), [(role, right) for role in ROLES for right in sorted(granted(role))])
def test_without_any_one_right_something_fails(site: Site, role: str, right: tuple[str, str, str]) -> None:
    with site.tenant(ROLES[role].value) as tenant:
        rules = [
            {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
            for group, resource, verb in sorted(granted(role) - {right})
        ]
        tenant.set_rules(rules)
        problems = "\n".join(whole_life(tenant))
        assert f"the right to {right[2]} {right[1]}" in problems, problems


# --- address families ------------------------------------------------------------------------------------------------


def test_both_address_families_have_a_slice(site: Site) -> None:
    with site.tenant("STANDARD") as tenant:

        async def look(registrar: Registrar) -> None:
            assert registrar.status().state is RegistrationState.REGISTERED, registrar.status()
            slices = tenant.cluster.items(f"{tenant.slices_path()}?labelSelector=kubernetes.io/service-name={CLIENT}")
            found = {part["addressType"]: part["endpoints"][0]["addresses"] for part in slices}
            assert found == {"IPv4": ["192.0.2.7"], "IPv6": ["2001:db8::7"]}

        live(settings_for(tenant, addresses=["192.0.2.7", "2001:db8::7"]), look)
        assert tenant.leftovers() == []


def test_a_family_that_is_gone_leaves_no_slice(site: Site) -> None:
    with site.tenant("STANDARD") as tenant:
        settings = settings_for(tenant, addresses=["192.0.2.7", "2001:db8::7"])

        async def look(_: Registrar) -> None:
            settings.addresses.pop()
            await until(lambda: len(tenant.cluster.items(tenant.slices_path())) == 2)

        live(settings, look)


def test_the_target_port_is_the_slices_port(site: Site) -> None:
    with site.tenant("STANDARD") as tenant:

        async def look(_: Registrar) -> None:
            assert tenant.holds(CLIENT)["addresses"] == [("192.0.2.7", 7001)]
            assert tenant.holds(METRICS)["addresses"] == [("192.0.2.7", 7002)]
            assert tenant.holds(METRICS)["service"]["ports"] == [("metrics", 9100, "metrics")]

        further = {"service_target_port": 7001, "metrics_service_target_port": 7002, "metrics_service_port": 9100}
        live(settings_for(tenant, **further), look)


def test_the_loopback_is_not_registered(site: Site) -> None:
    with site.tenant("STANDARD") as tenant:

        async def look(registrar: Registrar) -> None:
            await until(lambda: registrar.status().last_error)
            assert "set ARKSERVER_ADDRESSES" in str(registrar.status().last_error)

        live(settings_for(tenant, k8s_host=site.cluster.url, addresses=[]), look)
        assert tenant.leftovers() == []


# --- instances -------------------------------------------------------------------------------------------------------


def test_a_living_namesake_elsewhere_keeps_its_slice(site: Site) -> None:
    with site.tenant("STANDARD") as tenant:
        machine = tenant.site.network.machine()
        server = tenant.server(machine)
        server.until_registered()
        before = tenant.holds(CLIENT)

        async def look(registrar: Registrar) -> None:
            await until(lambda: registrar.status().last_error)
            assert "ARKSERVER_INSTANCE" in str(registrar.status().last_error)

        live(settings_for(tenant, instance=machine.name), look)
        assert tenant.holds(CLIENT) == before
        server.end("SIGTERM")
        server.close()
        site.network.give_back(machine)
        assert tenant.leftovers() == []


def test_an_expired_namesake_is_taken_over(site: Site) -> None:
    with site.tenant("STANDARD") as tenant:
        machine = tenant.site.network.machine()
        server = tenant.server(machine)
        server.until_registered()
        server.served()
        server.kill()

        async def look(registrar: Registrar) -> None:
            await until(lambda: registrar.status().state is RegistrationState.REGISTERED)
            assert tenant.holds(CLIENT)["addresses"] == [("192.0.2.7", PORT)]

        live(settings_for(tenant, instance=machine.name), look)
        site.network.give_back(machine)
        assert tenant.leftovers() == []


def test_reap_removes_the_dead_and_spares_the_living(site: Site) -> None:
    with site.tenant("STANDARD") as tenant:
        dead, living = tenant.server(), tenant.server()
        dead.until_registered()
        living.until_registered()
        dead.served()
        dead.kill()
        time.sleep(LEASE_S + 1.5)  # the lease expires
        environment = {**os.environ, **tenant.environment(living.machine)}
        command = [sys.executable, "-m", "arkserver.cli", "reap"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout == f"removed Lease lab-{dead.machine.name}\n"
        assert tenant.holds(CLIENT) == tenant.wanted(CLIENT, living.machine)
        living.end("SIGTERM")
        assert tenant.leftovers() == []


def test_the_last_one_out_takes_the_dead_along(site: Site) -> None:
    with site.tenant("STANDARD") as tenant:
        dead, living = tenant.server(), tenant.server()
        dead.until_registered()
        living.until_registered()
        dead.served()
        dead.kill()
        time.sleep(LEASE_S + 1.5)
        living.end("SIGINT")
        assert tenant.leftovers() == []


def test_a_service_goes_with_its_workload(site: Site) -> None:
    with site.tenant("KUBERNETES") as tenant:
        server = tenant.server()
        server.until_registered()
        server.served()
        server.kill()
        tenant.cluster.delete(f"/apis/apps/v1/namespaces/{tenant.name}/deployments/lab?propagationPolicy=Background")
        path = f"/api/v1/namespaces/{tenant.name}/services"
        eventually(lambda: tenant.cluster.items(path) == [], "the garbage collector has removed the Services", 60)


# --- the doctor ------------------------------------------------------------------------------------------------------


def doctor(settings: IntegrationSettings) -> dict[str, Finding]:
    return {finding.check: finding for finding in asyncio.run(diagnose(settings))}


def test_the_doctor_finds_nothing_wrong(site: Site) -> None:
    with site.tenant("STANDARD") as tenant:
        found = doctor(settings_for(tenant, addresses=[]))
        assert all(finding.ok for finding in found.values()), found
        assert list(found) == ["name", "TLS", "token", "credentials", "rights", "service", "address"]
        assert site.network.host in found["address"].text


@pytest.mark.parametrize(
    ("change", "check", "text"),
    [
        ({"k8s_host": "https://none.invalid:6443"}, "name", "none.invalid does not resolve"),
        ({"k8s_host": "https://127.0.0.1:1"}, "connection", "is K8S_HOST right"),
        ({"ca_file": None}, "TLS", "set CACERT_FILE"),
        ({"token_file": None, "integration_token": "nonsense"}, "credentials", "401"),
        ({"token_file": None}, "credentials", "set SSL_TOKEN"),
        ({"addresses": ["127.0.0.1"]}, "address", "which others cannot reach"),
        ({"addresses": ["nosuch0"]}, "address", "neither an address nor an interface"),
    ],
)
def test_the_doctor_names_what_is_wrong(site: Site, change: dict[str, Any], check: str, text: str) -> None:
    with site.tenant("STANDARD") as tenant:
        finding = doctor(settings_for(tenant, **change))[check]
        assert not finding.ok
        assert text in finding.text


def test_the_doctor_names_the_missing_right_and_the_foreign_service(site: Site) -> None:
    with site.tenant("STANDARD") as tenant:
        rules = [rule for rule in tenant.role["rules"] if rule["resources"] != ["leases"]]
        tenant.set_rules([*rules, {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get"]}])
        services = f"/api/v1/namespaces/{tenant.name}/services"
        tenant.cluster.post(services, {"metadata": {"name": METRICS}, "spec": {"ports": [{"port": 1}]}})
        found = asyncio.run(diagnose(settings_for(tenant)))
        missing = [finding.text for finding in found if finding.check == "right"]
        assert len(missing) == 4
        assert any(text.startswith(f"patch leases in {tenant.name} is missing") for text in missing)
        assert any(METRICS in finding.text and "belongs to" in finding.text for finding in found if not finding.ok)


def test_the_doctor_sees_that_a_token_has_expired(site: Site) -> None:
    with site.tenant("STANDARD") as tenant:
        header, _, signature = tenant.token_file.read_text().split(".")
        claims = "eyJleHAiOiAxNTAwMDAwMDAwfQ"  # {"exp": 1500000000}
        tenant.token_file.write_text(f"{header}.{claims}.{signature}")
        finding = doctor(settings_for(tenant))["token"]
        assert not finding.ok
        assert "expired at 2017-07-14" in finding.text


# --- who uses it -----------------------------------------------------------------------------------------------------

SUM = """
import sys
from arkserver.client import connect
with connect(sys.argv[1]) as session:
    print(float((session.arange(100) * 2).sum()), session.status()["registration"]["state"])
"""


def test_a_pod_like_client_resolves_the_server_and_computes_a_sum(site: Site) -> None:
    with site.tenant("STANDARD") as tenant:
        server = tenant.server()
        server.until_registered()
        pod = site.network.machine()
        user = {"tokenFile": str(tenant.token_file)}
        url = f"https://{tenant.gateway.host}:{tenant.gateway.port}"
        config = tenant.folder / "kubeconfig"
        config.write_text(json.dumps(kubeconfig(url, tenant.ca_file, user)))
        environment = {"KUBECONFIG": str(config), "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
        out = pod.run(sys.executable, "-c", SUM, f"k8s://{tenant.name}/{CLIENT}", env=environment)
        assert out == "9900.0 REGISTERED\n"
        site.network.give_back(pod)
        server.end("SIGTERM")


def test_in_a_pod_the_clusters_name_service_is_asked(site: Site) -> None:
    with site.tenant("STANDARD") as tenant:
        server = tenant.server()
        server.until_registered()
        pod = site.network.machine()
        # What cluster DNS and kube-proxy do together: the Service's name leads to the server.
        hosts = Path("/etc/netns") / pod.name / "hosts"
        hosts.parent.mkdir(parents=True)
        hosts.write_text(f"{server.machine.address} {CLIENT}.{tenant.name}.svc\n")
        environment = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
        try:
            out = pod.run(sys.executable, "-c", SUM, f"k8s://{tenant.name}/{CLIENT}", env=environment)
        finally:
            hosts.unlink()
            hosts.parent.rmdir()
        assert out == "9900.0 REGISTERED\n"
        site.network.give_back(pod)
        server.end("SIGTERM")


def test_resolve_prints_where_every_instance_is(site: Site) -> None:
    with site.tenant("STANDARD") as tenant:
        first, second = tenant.server(), tenant.server()
        first.until_registered()
        second.until_registered()
        environment = {**os.environ, **tenant.environment(first.machine), "SSL_TOKEN_FILE": str(tenant.token_file)}
        command = [sys.executable, "-m", "arkserver.cli", "resolve", "--all", f"k8s://{tenant.name}/{CLIENT}"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert set(done.stdout.split()) == {f"tcp://{server.machine.address}:{PORT}" for server in (first, second)}


def test_prometheus_scrapes_what_is_published(site: Site, tmp_path: Path) -> None:
    with site.tenant("STANDARD") as tenant:
        targets = tmp_path / "targets.json"
        machine = site.network.machine()
        server = tenant.server(machine, ARKSERVER_PROMETHEUS_FILE=str(targets), ARKSERVER_ADDRESSES=machine.address)
        server.until_registered()
        config = tmp_path / "prometheus.yml"
        scrape = {"job_name": "arkserver", "file_sd_configs": [{"files": [str(targets)], "refresh_interval": "1s"}]}
        config.write_text(json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": [scrape]}))
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        place = f"127.0.0.1:{port}"
        command: list[str | Path] = [
            *(
                binary("prometheus", "prometheus"),
                f"--config.file={config}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
            ),
            f"--web.listen-address={place}",
        ]
        prometheus = Process(command, tmp_path / "prometheus.log")
        try:
            query = f"http://{place}/api/v1/query?query=arkserver_registered"

            def scraped() -> list[dict[str, Any]]:
                try:
                    found: list[dict[str, Any]] = httpx.get(query, trust_env=False).json()["data"]["result"]
                except httpx.TransportError:
                    return []
                return found

            (sample,) = eventually(scraped, "scraped", 60)
            assert sample["value"][1] == "1"
            assert sample["metric"]["instance"] == f"{machine.address}:{METRICS_PORT}"
            assert sample["metric"]["service"] == METRICS
        finally:
            prometheus.stop()
        server.end("SIGTERM")
        assert not targets.exists()
        site.network.give_back(machine)


def test_kubectl_applies_the_printed_manifests(site: Site) -> None:
    with site.tenant("STANDARD") as tenant:
        environment = {**os.environ, "ARKSERVER_ADDRESSES": "192.0.2.7", "EXTERNAL_SERVICE_NAME": CLIENT}
        command = [sys.executable, "-m", "arkserver.cli", "register", "--system-type", "KUBERNETES"]
        printed = subprocess.run(command, env=environment, capture_output=True, check=True).stdout
        kubectl = [str(binary("kubectl-*", "kubectl")), "--kubeconfig", str(site.cluster.kubeconfig), "-n", tenant.name]
        subprocess.run([*kubectl, "apply", "-f", "-"], input=printed, check=True)
        assert tenant.holds(CLIENT)["addresses"] == [("192.0.2.7", 5555)]
        subprocess.run([*kubectl, "delete", "-f", "-"], input=printed, check=True)
        assert tenant.leftovers() == []


def test_the_walk_through_leads_to_a_registered_server(site: Site) -> None:
    """The steps of docs/register-kubernetes.md, with the files that it names."""
    with site.tenant("STANDARD") as tenant:
        kubectl = [str(binary("kubectl-*", "kubectl")), "--kubeconfig", str(site.cluster.kubeconfig), "-n", tenant.name]

        def run(*words: str) -> str:
            return subprocess.run([*kubectl, *words], capture_output=True, text=True, check=True).stdout

        page = (ROOT / "docs" / "register-kubernetes.md").read_text()
        tenant.cluster.delete(f"/api/v1/namespaces/{tenant.name}/serviceaccounts/arkserver")
        tenant.cluster.delete(f"/apis/rbac.authorization.k8s.io/v1/namespaces/{tenant.name}/rolebindings/registration")
        for name in ("serviceaccount", "secret", "role", "rolebinding"):
            assert f"deploy/k8s/registration/{name}.yaml" in page
            run("apply", "-f", str(MANIFESTS / f"{name}.yaml"))
        encoded = eventually(lambda: run("get", "secret", "arkserver-token", "-o", "jsonpath={.data.token}"), "a token")
        for token in (base64.b64decode(encoded).decode(), run("create", "token", "arkserver").strip()):
            tenant.token_file.write_text(token)
            assert all(finding.ok for finding in doctor(settings_for(tenant)).values())

            async def look(registrar: Registrar) -> None:
                assert registrar.status().state is RegistrationState.REGISTERED

            live(settings_for(tenant), look)
            assert tenant.leftovers() == []


def test_a_client_certificate_is_enough(site: Site) -> None:
    with site.tenant("STANDARD") as tenant:
        pair = site.cluster.authority.issue("registrar", "/O=system:masters/CN=registrar", usage="clientAuth")

        async def look(registrar: Registrar) -> None:
            assert registrar.status().state is RegistrationState.REGISTERED, registrar.status()

        live(settings_for(tenant, token_file=None, cert_file=pair.cert, key_file=pair.key), look)
        assert tenant.leftovers() == []


# --- what it costs ---------------------------------------------------------------------------------------------------


def test_renewing_is_few_small_requests(site: Site) -> None:
    """Three requests a period; the seconds that they cost are measured by bench/registration.py."""
    with site.tenant("STANDARD") as tenant:
        user = f"system:serviceaccount:{tenant.name}:arkserver"

        def sent() -> list[str]:
            events = map(json.loads, site.cluster.audit.read_text().splitlines())
            return [
                f"{e['verb']} {e['objectRef']['resource']}"
                for e in events
                if e["user"]["username"] == user and "objectRef" in e
            ]

        async def look(registrar: Registrar) -> None:
            before = len(sent())
            rounds = 0
            last = registrar.status().last_success
            while rounds < 4:
                await until(lambda: registrar.status().last_success != last)  # noqa: B023 - awaited at once
                last = registrar.status().last_success
                rounds += 1
            requests = sent()[before:]
            assert set(requests) <= {"list services", "patch leases", "list endpointslices"}
            assert len(requests) <= 3 * (rounds + 1)

        live(settings_for(tenant), look)
