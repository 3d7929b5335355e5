"""The REDIS channel and the registration in Redis, with a real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from arkserver_channels import (
    Channel,
    ChannelOptions,
    ChannelOptionsError,
    HttpRequestType,
    Message,
    UntrustedPeerError,
    open_channel,
)
from arkserver_channels.testing import ChannelContract

from arkserver.client.discovery import DiscoveryError, DiscoverySettings, resolve
from arkserver.integration.doctor import diagnose
from arkserver.integration.endpoints import endpoints
from arkserver.integration.reap import reap
from arkserver.integration.registrar import Registrar, RegistrationState
from arkserver.integration.settings import IntegrationSettings, load
from tests.support.ports import free_port
from tests.support.servers.redis import PASSWORD, RedisServer

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("redis")]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture
def server(running: RedisServer) -> RedisServer:
    running.reset()
    return running


# --- the channel -----------------------------------------------------------------------------------------------------


class TestRedisChannel(ChannelContract):
    @pytest.fixture(autouse=True)
    def _server(self, server: RedisServer) -> None:
        self.server = server

    def make_channel(self) -> Channel:
        return open_channel("REDIS", ChannelOptions(url=self.server.url))

    def make_unreachable(self) -> Channel:
        options = ChannelOptions(url=f"redis://127.0.0.1:{free_port()}", retries=1, backoff_s=0.01)
        return open_channel("REDIS", options)

    def delivered(self, address: str) -> list[str]:
        value = self.server.client.get(address)
        return [str(value)] if value is not None else []


class TestRedisChannelOverTls(TestRedisChannel):
    def make_channel(self) -> Channel:
        options = ChannelOptions(
            url=self.server.tls_url,
            ca_file=self.server.authority.cert,
            user="registrar",
            password=PASSWORD,
        )
        return open_channel("REDIS", options)

    def addresses(self) -> list[str]:
        return ["arkserver:one", "arkserver:other"]


def write(options: ChannelOptions, *messages: Message) -> list[tuple[int, bytes]]:
    async def go() -> list[tuple[int, bytes]]:
        async with open_channel("REDIS", options) as channel:
            answers = [await channel.write(message) for message in messages]
        return [(answer.status, answer.body) for answer in answers]

    return asyncio.run(go())


def test_get_says_whether_there_is_a_value(server: RedisServer) -> None:
    get = Message("a", request_type=HttpRequestType.GET)
    options = ChannelOptions(url=server.url)
    assert write(options, get, Message("a", "v"), get) == [(404, b""), (200, b""), (200, b"v")]


def test_a_lifetime_is_kept_by_the_server(server: RedisServer) -> None:
    write(ChannelOptions(url=server.url), Message("a", "v", lifetime_s=100))
    assert 90 < server.client.ttl("a") <= 100


def test_post_runs_commands_as_one_transaction(server: RedisServer) -> None:
    commands = json.dumps([["SET", "a", "1"], ["INCR", "a"], ["SMEMBERS", "none"]])
    ((status, body),) = write(ChannelOptions(url=server.url), Message("", commands, HttpRequestType.POST))
    assert (status, json.loads(body)) == (200, [True, 2, []])


@pytest.mark.parametrize(
    ("user", "password", "status"), [("registrar", "wrong", 401), ("nobody", "x", 401), ("registrar", PASSWORD, 403)]
)
def test_refusals_are_answers_with_the_status_of_http(
    server: RedisServer, user: str, password: str, status: int
) -> None:
    options = ChannelOptions(url=server.url, user=user, password=password)
    ((found, body),) = write(options, Message("elsewhere", "v"))
    assert found == status
    assert password.encode() not in body or password == "x"


def test_an_unknown_authority_is_refused(server: RedisServer) -> None:
    with pytest.raises(UntrustedPeerError, match="not trusted"):
        write(ChannelOptions(url=server.tls_url), Message("a", "v"))
    assert server.client.get("a") is None


def test_patch_is_no_word_of_redis(server: RedisServer) -> None:
    with pytest.raises(ChannelOptionsError, match="has no PATCH"):
        write(ChannelOptions(url=server.url), Message("a", "v", HttpRequestType.PATCH))


# --- the registration ------------------------------------------------------------------------------------------------


def settings_for(server: RedisServer, **further: Any) -> IntegrationSettings:
    common = {
        "system_type": "REDIS",
        "redis_url": server.url,
        "redis_user": "registrar",
        "redis_password": PASSWORD,
        "service_name": "lab",
        "addresses": ["192.0.2.7"],
        "instance": "one",
        "renew_s": 0.2,
        "lease_s": 1,
    }
    return load(common | further)


async def until(condition: Callable[[], object], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the condition is in another process
            await asyncio.sleep(0.02)


def live(settings: IntegrationSettings, meanwhile: Callable[[Registrar], Awaitable[None]]) -> Registrar:
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
    return registrar


def test_a_key_an_entry_in_the_set_and_expiry(server: RedisServer) -> None:
    async def look(registrar: Registrar) -> None:
        assert registrar.status().state is RegistrationState.REGISTERED
        value = json.loads(str(server.client.get("arkserver:instance:lab:one")))
        assert (value["addresses"], value["port"], value["endpoint"]) == (["192.0.2.7"], 5555, "ARKOUDA_CLIENT")
        metrics = json.loads(str(server.client.get("arkserver:instance:lab-metrics:one")))
        assert (metrics["port"], metrics["endpoint"]) == (9555, "METRICS")
        assert server.client.smembers("arkserver:service:lab") == {"one"}
        assert 0 < server.client.pttl("arkserver:instance:lab:one") <= 1000
        assert [target.url for target in resolve(f"{server.url[:-2]}/lab")] == ["tcp://192.0.2.7:5555"]

    live(settings_for(server), look)
    assert server.client.keys("*") == []
    with pytest.raises(DiscoveryError, match="no server is registered"):
        resolve(f"{server.url[:-2]}/lab")


def test_it_is_renewed_beyond_its_expiry_and_repaired(server: RedisServer) -> None:
    async def look(registrar: Registrar) -> None:
        await asyncio.sleep(1.5)
        assert server.client.exists("arkserver:instance:lab:one")
        server.client.delete("arkserver:instance:lab:one", "arkserver:service:lab")
        await until(lambda: server.client.smembers("arkserver:service:lab"))
        assert server.client.exists("arkserver:instance:lab:one")
        assert registrar.status().state is RegistrationState.REGISTERED

    live(settings_for(server), look)


def test_changes_are_published_and_renewals_are_not(server: RedisServer) -> None:
    listener = server.client.pubsub(  # type: ignore[no-untyped-call]
        ignore_subscribe_messages=True
    )
    listener.subscribe("arkserver:changes:lab")
    listener.get_message(timeout=5)

    async def wait(registrar: Registrar) -> None:
        before = registrar.status().last_success
        await until(lambda: registrar.status().last_success != before)

    live(settings_for(server), wait)
    notices = [json.loads(notice["data"]) for notice in iter(lambda: listener.get_message(timeout=0.3), None)]
    listener.close()
    assert notices == [{"event": "announced", "instance": "one"}, {"event": "withdrawn", "instance": "one"}]


def test_two_instances_are_found_and_one_leaves(server: RedisServer) -> None:
    async def with_other(_: Registrar) -> None:
        settings = settings_for(server, instance="two", addresses=["192.0.2.8"])
        other = Registrar(settings, endpoints(settings, 5555, 9555))
        await other.start()
        await until(lambda: other.status().state is RegistrationState.REGISTERED)
        found = {target.host for target in resolve(f"{server.url[:-2]}/lab")}
        assert found == {"192.0.2.7", "192.0.2.8"}
        await other.stop()
        assert [target.host for target in resolve(f"{server.url[:-2]}/lab")] == ["192.0.2.7"]

    live(settings_for(server), with_other)


def test_a_living_namesake_elsewhere_is_not_replaced(server: RedisServer) -> None:
    namesake = {"instance": "one", "run": "other", "network": "another machine", "addresses": ["192.0.2.99"]}
    server.client.set("arkserver:instance:lab:one", json.dumps(namesake), ex=100)

    async def look(registrar: Registrar) -> None:
        await until(lambda: registrar.status().last_error)
        assert "ARKSERVER_INSTANCE" in str(registrar.status().last_error)

    live(settings_for(server), look)
    assert json.loads(str(server.client.get("arkserver:instance:lab:one"))) == namesake


def test_redis_away_is_said_and_tried_again(server: RedisServer) -> None:
    async def look(registrar: Registrar) -> None:
        server.process.stop()
        await until(lambda: registrar.status().state is RegistrationState.FAILING)
        assert "cannot reach" in str(registrar.status().last_error)
        server.process.start()
        await until(lambda: registrar.status().state is RegistrationState.REGISTERED)

    live(settings_for(server, redis_user="", redis_password="", request_timeout_s=1), look)


def test_reap_forgets_instances_whose_key_has_expired(server: RedisServer) -> None:
    server.client.sadd("arkserver:service:lab", "gone")
    assert asyncio.run(reap(settings_for(server, redis_user="", redis_password=""))) == ["instance gone of lab"]
    assert server.client.keys("*") == []


def test_the_doctor_finds_nothing_wrong(server: RedisServer) -> None:
    assert all(finding.ok for finding in asyncio.run(diagnose(settings_for(server))))


def test_the_doctor_names_what_is_wrong(server: RedisServer) -> None:
    (*_, finding) = asyncio.run(diagnose(settings_for(server, redis_password="wrong")))
    assert not finding.ok
    assert "ARKSERVER_REDIS_PASSWORD" in finding.text
    (finding,) = asyncio.run(diagnose(settings_for(server, redis_url="redis://none.invalid:1")))
    assert "does not resolve" in finding.text


def test_the_look_up_logs_in_over_tls(server: RedisServer) -> None:
    async def look(_: Registrar) -> None:
        settings = DiscoverySettings(
            ca_file=str(server.authority.cert), redis_user="registrar", redis_password=PASSWORD
        )
        url = server.tls_url[:-2]
        assert [target.host for target in resolve(f"{url}/lab", settings)] == ["192.0.2.7"]
        with pytest.raises(DiscoveryError, match="WRONGPASS"):
            resolve(f"{url}/lab", replace(settings, redis_password="wrong"))
        with pytest.raises(DiscoveryError, match="certificate verify failed"):
            resolve(f"{url}/lab", replace(settings, ca_file=""))

    live(settings_for(server), look)
