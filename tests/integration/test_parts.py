"""Addresses, identities, manifests, documents: what needs nobody else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arkserver.client.discovery import DiscoveryError, resolve
from arkserver.errors import ConfigurationError
from arkserver.integration import addresses
from arkserver.integration.addresses import NoAddressError
from arkserver.integration.endpoints import endpoints
from arkserver.integration.identity import Identity, identity, label
from arkserver.integration.kubernetes import manifests, pods
from arkserver.integration.kubernetes.connection import connection
from arkserver.integration.registrar import Registrar, RegistrationState
from arkserver.integration.settings import load
from tests.support.http_server import RecordingServer
from tests.support.ports import free_port
from tests.support.servers.gateway import Gateway

ME = Identity("one", "run", "network")


# --- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "reachable"),
    [
        ("10.0.0.7", True),
        ("2001:db8::7", True),
        ("fd00::7", True),
        ("127.0.0.1", False),
        ("127.8.0.1", False),
        ("::1", False),
        ("169.254.1.1", False),
        ("fe80::1", False),
        ("0.0.0.0", False),
        ("::", False),
        ("224.0.0.1", False),
    ],
)
def test_which_addresses_others_can_reach(address: str, reachable: bool) -> None:
    assert addresses.is_reachable(address) is reachable


def test_given_addresses_win_ipv4_first_each_once() -> None:
    given_ones = ["2001:db8::7", "10.0.0.7", "10.0.0.7"]
    assert addresses.find(given_ones, ("127.0.0.1", 1)) == ["10.0.0.7", "2001:db8::7"]


def test_the_loopback_is_a_clear_error() -> None:
    with pytest.raises(NoAddressError, match=r"the way to 127\.0\.0\.1 gives 127\.0\.0\.1.*set ARKSERVER_ADDRESSES"):
        addresses.find([], ("127.0.0.1", 6443))
    with pytest.raises(NoAddressError, match="ARKSERVER_ADDRESSES=lo gives"):
        addresses.find(["lo"], None)


def test_nobody_is_sent_where_the_server_does_not_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "_routed", lambda _: ["10.0.0.7", "2001:db8::7"])
    assert addresses.find([], None, "::") == ["10.0.0.7", "2001:db8::7"]
    assert addresses.find([], None, "0.0.0.0") == ["10.0.0.7"]
    assert addresses.find([], None, "10.0.0.8") == ["10.0.0.8"]
    assert addresses.find(["2001:db8::9"], None, "0.0.0.0") == ["2001:db8::9"]
    with pytest.raises(NoAddressError, match=r"listening on 127\.0\.0\.1"):
        addresses.find([], None, "127.0.0.1")


def test_an_unknown_interface_lists_the_known_ones() -> None:
    with pytest.raises(NoAddressError, match=r"neither an address nor an interface.*lo"):
        addresses.find(["nosuch0"], None)


def test_a_name_that_does_not_resolve_is_named() -> None:
    with pytest.raises(NoAddressError, match=r"none\.invalid does not resolve"):
        addresses.find([], ("none.invalid", 443))


def test_readers_on_the_same_machine_may_use_the_loopback() -> None:
    assert addresses.find_any([], ("127.0.0.1", 6379)) == ["127.0.0.1"]


# --- identity --------------------------------------------------------------------------------------------------------


@given(st.text(max_size=120))
def test_every_text_gives_a_label_of_at_most_forty_characters(text: str) -> None:
    found = label(text)
    assert 0 < len(found) <= 40
    assert set(found) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not found.startswith("-")
    assert not found.endswith("-")


@given(st.sets(st.text(min_size=1, max_size=60), min_size=2, max_size=2))
def test_different_texts_give_different_labels(texts: set[str]) -> None:
    one, other = texts
    assert label(one) != label(other)


def test_a_restart_is_the_same_instance_in_another_run() -> None:
    before, after = identity("", 5555), identity("", 5555)
    assert (before.instance, before.network) == (after.instance, after.network)
    assert before.run != after.run
    assert identity("", 5556).instance != before.instance


# --- manifests -------------------------------------------------------------------------------------------------------


def test_an_outside_service_has_no_selector_and_an_inside_one_no_slices() -> None:
    client, metrics = endpoints(load({"service_name": "lab", "service_target_port": 6001}), 5555, 9555)
    outside = manifests.service(client, managed=True)
    assert outside["spec"]["ports"] == [
        {"name": "arkouda-client", "port": 5555, "protocol": "TCP", "targetPort": "arkouda-client"}
    ]
    assert "selector" not in outside["spec"]
    inside = manifests.service(metrics, managed=True, selector={"app": "lab"})
    assert inside["spec"]["selector"] == {"app": "lab"}
    assert inside["spec"]["ports"][0]["targetPort"] == 9555


def test_one_slice_for_each_family_with_the_target_port() -> None:
    client, _ = endpoints(load({"service_name": "lab", "service_target_port": 6001}), 5555, 9555)
    made = manifests.slices("discovery.k8s.io/v1", client, ME, ["10.0.0.7", "2001:db8::7"])
    assert [(part["metadata"]["name"], part["addressType"]) for part in made] == [
        ("lab-one-ipv4", "IPv4"),
        ("lab-one-ipv6", "IPv6"),
    ]
    assert {part["ports"][0]["port"] for part in made} == {6001}


def test_a_pod_is_selected_by_what_outlives_a_roll_out() -> None:
    labels = {"app": "arkserver", "pod-template-hash": "abc", "statefulset.kubernetes.io/pod-name": "x-0"}
    assert pods.selector({"metadata": {"name": "x-0", "labels": labels}}) == {"app": "arkserver"}


# --- the connection --------------------------------------------------------------------------------------------------


def test_a_pod_finds_everything_in_its_environment(tmp_path: Path) -> None:
    for name, text in {"token": "t", "ca.crt": "c", "namespace": "lab\n"}.items():
        (tmp_path / name).write_text(text)
    flags = {"kubernetes_service_host": "fd00::1", "kubernetes_service_port": "6443", "service_account": tmp_path}
    way = connection(load(flags))
    assert way.options.url == "https://[fd00::1]:6443"
    assert (way.options.token_file, way.options.ca_file) == (tmp_path / "token", tmp_path / "ca.crt")
    assert (way.namespace, way.host_and_port) == ("lab", ("fd00::1", 6443))


def test_the_pods_token_goes_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    way = connection(load({"k8s_host": "https://elsewhere:6443", "service_account": tmp_path}))
    assert way.options.token_file is None


def test_without_a_url_outside_of_a_pod_nothing_can_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ConfigurationError, match="set K8S_HOST"):
        connection(load({}))


# --- documents and the registrar -------------------------------------------------------------------------------------


def live(flags: dict[str, Any], meanwhile: Callable[[Registrar], None]) -> Registrar:
    settings = load({"addresses": ["10.1.2.3"], "instance": "one", "renew_s": 0.05, "lease_s": 1} | flags)
    registrar = Registrar(settings, endpoints(settings, 5555, 9555))

    async def go() -> None:
        await registrar.start()
        async with asyncio.timeout(20):
            while registrar.status().state in (RegistrationState.OFF, RegistrationState.ANNOUNCING):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await asyncio.to_thread(meanwhile, registrar)
        await registrar.stop()
        await registrar.stop()

    asyncio.run(go())
    return registrar


def wait_for(condition: Callable[[], bool]) -> None:
    from tests.support.servers.process import eventually

    eventually(condition, "condition")


def test_a_file_is_written_kept_true_and_removed(tmp_path: Path) -> None:
    file = tmp_path / "registration.json"

    def look(registrar: Registrar) -> None:
        written = file.read_text()
        assert registrar.status().state is RegistrationState.REGISTERED
        assert [target.url for target in resolve(file.as_uri())] == ["tcp://10.1.2.3:5555"]
        file.write_text("edited")
        wait_for(lambda: file.read_text() == written)
        file.unlink()
        wait_for(lambda: file.exists() and file.read_text() == written)

    registrar = live({"channel_type": "FILE", "integration_file": str(file)}, look)
    assert registrar.status().state is RegistrationState.WITHDRAWN
    assert list(tmp_path.iterdir()) == []


def test_standard_output_says_it_once(capsys: pytest.CaptureFixture[str]) -> None:
    def look(registrar: Registrar) -> None:
        first = registrar.status().last_success
        wait_for(lambda: registrar.status().last_success != first)

    live({"channel_type": "STDOUT", "system_type": "CONSUL"}, look)
    out = capsys.readouterr().out
    assert out.count('"id": "arkserver-one"') == 1


def test_anybody_can_be_told_over_http(http_server: RecordingServer) -> None:
    live(
        {"channel_type": "HTTP", "integration_url": f"{http_server.url}/hook", "integration_token": "t"}, lambda _: None
    )
    first, last = http_server.seen[0], http_server.seen[-1]
    assert (first.verb, first.path, first.headers["Authorization"]) == ("PUT", "/hook", "Bearer t")
    assert json.loads(first.body)["instance"] == "one"
    assert (last.verb, last.path) == ("DELETE", "/hook")


def test_the_targets_file_for_prometheus(tmp_path: Path) -> None:
    file = tmp_path / "targets.json"

    def look(_: Registrar) -> None:
        (group,) = json.loads(file.read_text())
        assert group["targets"] == ["10.1.2.3:9555"]
        assert group["labels"]["service"] == "arkserver-metrics"

    live({"prometheus_file": file}, look)
    assert not file.exists()


def test_a_system_that_is_away_is_no_error_and_withdrawing_has_an_end() -> None:
    def look(registrar: Registrar) -> None:
        status = registrar.status()
        assert status.state is RegistrationState.FAILING
        assert "cannot reach" in str(status.last_error)

    flags = {"system_type": "KUBERNETES", "k8s_host": f"https://127.0.0.1:{free_port()}", "withdraw_s": 0.3}
    registrar = live(flags, look)
    assert registrar.status().state is RegistrationState.LEFT_BEHIND


def test_a_kept_connection_that_died_does_not_hold_up_the_withdrawal(http_server: RecordingServer) -> None:
    with Gateway(("127.0.0.1", int(http_server.url.rpartition(":")[2]))) as gateway:
        flags = {"channel_type": "HTTP", "integration_url": f"http://127.0.0.1:{gateway.port}/hook", "withdraw_s": 5}
        registrar = live(flags, lambda _: gateway.mute())
    assert registrar.status().state is RegistrationState.WITHDRAWN
    assert http_server.seen[-1].verb == "DELETE"


def test_nothing_wanted_is_nothing_done() -> None:
    settings = load({})
    registrar = Registrar(settings, endpoints(settings, 5555, 9555))

    async def go() -> None:
        await registrar.start()
        await registrar.stop()

    asyncio.run(go())
    assert registrar.status().state is RegistrationState.OFF


def test_a_url_that_cannot_work_ends_the_start() -> None:
    settings = load({"system_type": "KUBERNETES", "k8s_host": "10.0.0.1:6443"})
    with pytest.raises(ConfigurationError, match="http:// or https:// URL"):
        Registrar(settings, endpoints(settings, 5555, 9555))


# --- looking up ------------------------------------------------------------------------------------------------------


def test_tcp_urls_are_their_own_answer() -> None:
    assert [target.url for target in resolve("tcp://host:7?token=t")] == ["tcp://host:7?token=t"]
    assert [target.url for target in resolve("tcp://[fd00::1]")] == ["tcp://[fd00::1]:5555"]


def test_a_connection_file_is_read_too(tmp_path: Path) -> None:
    file = tmp_path / "connection"
    file.write_text("host 5555 tcp://host:5555?token=t\n")
    assert [target.url for target in resolve(file.as_uri())] == ["tcp://host:5555?token=t"]


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("pigeon://x", "known are k8s://"),
        ("k8s://namespace", "should be k8s://namespace/service"),
        ("consul://host", "should be consul://"),
        ("redis://host", "should be redis://"),
        ("file:///nonexistent/file", "has the server written it yet"),
        ("consul://127.0.0.1:1/x", "cannot reach"),
        ("redis://127.0.0.1:1/x", "cannot ask Redis"),
    ],
)
def test_what_cannot_be_looked_up_is_said(url: str, text: str) -> None:
    with pytest.raises(DiscoveryError, match=text):
        resolve(url)
