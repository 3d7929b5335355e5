"""The registration with a real Consul agent."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from arkserver.client.discovery import DiscoveryError, DiscoverySettings, resolve
from arkserver.integration import documents
from arkserver.integration.doctor import diagnose
from arkserver.integration.endpoints import endpoints
from arkserver.integration.registrar import Registrar, RegistrationState
from arkserver.integration.settings import IntegrationSettings, load
from tests.support.servers.consul import MANAGEMENT, ConsulAgent
from tests.support.servers.process import Process, eventually

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("consul")]

RULES = 'service_prefix "lab" { policy = "write" } node_prefix "" { policy = "read" }'


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsulAgent]:
    agent = ConsulAgent(tmp_path_factory.mktemp("consul"))
    yield agent
    agent.stop()


@pytest.fixture(scope="module")
def token(running: ConsulAgent) -> str:
    return running.token(RULES)


@pytest.fixture
def agent(running: ConsulAgent) -> ConsulAgent:
    running.forget_services()
    return running


def settings_for(agent: ConsulAgent, token: str, **further: Any) -> IntegrationSettings:
    common = {
        "system_type": "CONSUL",
        "consul_url": agent.url,
        "consul_token": token,
        "service_name": "lab",
        "addresses": ["192.0.2.7"],
        "instance": "one",
        "renew_s": 0.3,
        "lease_s": 2,
    }
    return load(common | further)


async def until(condition: Callable[[], object], seconds: float = 15) -> None:
    await asyncio.to_thread(eventually, condition, "condition", seconds)


def live(settings: IntegrationSettings, meanwhile: Callable[[Registrar], Awaitable[None]]) -> None:
    """Keep a registration up while `meanwhile` runs."""
    registrar = Registrar(settings, endpoints(settings, 5555, 9555))

    async def go() -> None:
        await registrar.start()
        try:
            await until(lambda: registrar.status().state is not RegistrationState.ANNOUNCING)
            await meanwhile(registrar)
        finally:
            await registrar.stop()

    asyncio.run(go())


def health(agent: ConsulAgent, service: str = "lab") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = agent.get(f"/v1/health/service/{service}")
    return found


def checks(agent: ConsulAgent, service: str = "lab") -> list[str]:
    return [check["Status"] for entry in health(agent, service) for check in entry["Checks"] if check["ServiceID"]]


def test_service_with_a_passing_check_tags_and_meta(agent: ConsulAgent, token: str) -> None:
    async def look(registrar: Registrar) -> None:
        assert registrar.status().state is RegistrationState.REGISTERED
        (entry,) = health(agent)
        service = entry["Service"]
        assert (service["ID"], service["Address"], service["Port"]) == ("lab-one", "192.0.2.7", 5555)
        assert {"arkserver", "arkouda-client"} <= set(service["Tags"])
        assert service["Meta"]["deployment"] == "STANDARD"
        assert service["Meta"]["endpoint"] == "ARKOUDA_CLIENT"
        assert service["Meta"]["version"]
        assert checks(agent) == ["passing"]
        (metrics,) = health(agent, "lab-metrics")
        assert metrics["Service"]["Port"] == 9555

    live(settings_for(agent, token), look)
    assert agent.get("/v1/agent/services") == {}


def test_the_check_passes_for_longer_than_its_ttl(agent: ConsulAgent, token: str) -> None:
    async def look(_: Registrar) -> None:
        for _round in range(15):
            await asyncio.sleep(0.2)
            assert checks(agent) == ["passing"]

    live(settings_for(agent, token), look)


def test_after_kill_the_check_turns_critical(agent: ConsulAgent, token: str, tmp_path: Path) -> None:
    flags = ["--port", "0", "--metrics-port", "0", "--host", "127.0.0.1", "--scheduler", "false"]
    integration = ["--system-type", "CONSUL", "--service-name", "lab", "--renew-s", "0.3", "--lease-s", "2"]
    environment = {"CONSUL_HTTP_ADDR": agent.url, "CONSUL_HTTP_TOKEN": token}
    command = [sys.executable, "-m", "arkserver.cli", "start", *flags, *integration]
    server = Process(command, tmp_path / "log", environment)
    server.until(lambda: checks(agent) == ["passing"], "registered")
    server.kill()
    eventually(lambda: checks(agent) == ["critical"], "critical")
    with pytest.raises(DiscoveryError, match="no server is registered"):
        resolve(f"{agent.url.replace('http', 'consul')}/lab", DiscoverySettings(consul_token=MANAGEMENT))


def test_what_the_agent_has_forgotten_or_others_changed_is_back(agent: ConsulAgent, token: str) -> None:
    async def look(registrar: Registrar) -> None:
        agent.put("/v1/agent/service/deregister/lab-one")
        await until(lambda: checks(agent) == ["passing"])
        agent.put("/v1/agent/service/register", {"ID": "lab-one", "Name": "lab", "Address": "192.0.2.99", "Port": 1})
        await until(lambda: health(agent)[0]["Service"]["Port"] == 5555 and checks(agent) == ["passing"])
        assert health(agent)[0]["Service"]["Address"] == "192.0.2.7"
        assert registrar.status().state is RegistrationState.REGISTERED

    live(settings_for(agent, token), look)


def test_renewing_changes_nothing_in_the_catalogue(agent: ConsulAgent, token: str) -> None:
    async def look(registrar: Registrar) -> None:
        before = health(agent)[0]["Service"]["ModifyIndex"]
        first = registrar.status().last_success
        await until(lambda: registrar.status().last_success != first)
        assert health(agent)[0]["Service"]["ModifyIndex"] == before

    live(settings_for(agent, token), look)


def test_a_token_without_rights_is_said(agent: ConsulAgent) -> None:
    async def look(registrar: Registrar) -> None:
        await until(lambda: registrar.status().last_error)
        assert 'policy = "write"' in str(registrar.status().last_error)

    live(settings_for(agent, agent.token('node_prefix "" { policy = "read" }'), withdraw_s=1), look)


def test_two_instances_are_found_and_one_leaves(agent: ConsulAgent, token: str) -> None:
    url = f"{agent.url.replace('http', 'consul')}/lab"
    access = DiscoverySettings(consul_token=MANAGEMENT)

    async def with_other(_: Registrar) -> None:
        settings = settings_for(agent, token, instance="two", addresses=["192.0.2.8"])
        other = Registrar(settings, endpoints(settings, 5556, 9556))
        await other.start()
        await until(lambda: other.status().state is RegistrationState.REGISTERED)
        found = {target.url for target in resolve(url, access)}
        assert found == {"tcp://192.0.2.7:5555", "tcp://192.0.2.8:5556"}
        await other.stop()
        assert [target.url for target in resolve(url, access)] == ["tcp://192.0.2.7:5555"]

    live(settings_for(agent, token), with_other)


def test_without_an_address_the_agents_own_is_found(agent: ConsulAgent, token: str) -> None:
    async def look(_: Registrar) -> None:
        assert health(agent)[0]["Service"]["Address"] == ""
        found = resolve(f"{agent.url.replace('http', 'consul')}/lab", DiscoverySettings(consul_token=MANAGEMENT))
        assert [target.url for target in found] == ["tcp://127.0.0.1:5555"]

    live(settings_for(agent, token, addresses=[]), look)


def test_the_agent_reads_the_definition_file(agent: ConsulAgent, token: str) -> None:
    settings = settings_for(
        agent, token, channel_type="FILE", integration_file=str(agent.definitions / "arkserver.json"), addresses=[]
    )

    def reload() -> None:
        agent.put("/v1/agent/reload")

    async def look(_: Registrar) -> None:
        await asyncio.to_thread(reload)
        await until(lambda: [entry["Service"]["ID"] for entry in health(agent)] == ["lab-one"])
        document = json.loads((agent.definitions / "arkserver.json").read_text())
        assert document["services"][0]["checks"][0]["tcp"] == "127.0.0.1:5555"

    live(settings, look)
    reload()
    eventually(lambda: health(agent) == [], "forgotten")
    asyncio.run(documents.write_once(settings, endpoints(settings, 5555, 9555)))
    (agent.definitions / "arkserver.json").unlink()


def test_the_doctor_names_what_is_wrong(agent: ConsulAgent, token: str) -> None:
    assert all(finding.ok for finding in asyncio.run(diagnose(settings_for(agent, token))))
    (finding,) = asyncio.run(diagnose(settings_for(agent, token, consul_url="http://none.invalid:1")))
    assert "does not resolve" in finding.text
