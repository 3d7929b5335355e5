"""The doors beside the clients' one: Prometheus' metrics, health, and Arkouda's metrics and status sockets."""

from __future__ import annotations

import json
import threading
import urllib.request

import pytest

from tests.support.server import Raw, RunningServer, running_server


def get(server: RunningServer, path: str) -> str:
    url = server.address_of("metrics").replace("/metrics", path)
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def test_requests_and_errors_are_counted(raw: Raw, server: RunningServer) -> None:
    raw.text("noop")
    raw.error("frobnicate")
    text = get(server, "/metrics")
    assert 'arkserver_requests_total{command="noop",user="tester"}' in text
    assert 'arkserver_errors_total{command="(unknown)",user="tester"}' in text
    assert "arkserver_memory_limit_bytes 1e+09" in text
    for name in ("arkserver_symbols", "arkserver_workers", "arkserver_received_bytes_total", "arkserver_sent_bytes"):
        assert name in text


def test_health_answers_while_a_command_runs(server: RunningServer) -> None:
    with Raw(server.address) as sleeper:
        thread = threading.Thread(target=lambda: sleeper.text("sleep", seconds=1.0))
        thread.start()
        assert json.loads(get(server, "/healthz")) == {"status": "ok"}
        assert json.loads(get(server, "/readyz"))["status"] == "ready"
        assert thread.is_alive()
        thread.join()


def test_users_cannot_make_the_metrics_grow_without_bound() -> None:
    with running_server() as server:
        for i in range(150):
            with Raw(server.address, user=f"user{i}") as raw:
                raw.text("noop")
        text = get(server, "/metrics")
    assert 'user="(other)"' in text
    assert 'user="user149"' not in text


CATEGORIES = [
    "ALL",
    "NUM_REQUESTS",
    "AVG_RESPONSE_TIME",
    "TOTAL_RESPONSE_TIME",
    "TOTAL_MEMORY_USED",
    "SYSTEM",
    "SERVER",
]


@pytest.mark.parametrize("category", [*CATEGORIES, "NUM_ERRORS"])
def test_the_metrics_socket(server: RunningServer, raw: Raw, category: str) -> None:
    raw.text("noop")
    with Raw(server.address_of("arkouda_metrics")) as door:
        assert door.text("connect").startswith("connected to arkouda metrics server")
        figures = json.loads(door.text("metrics", category=category))
    for figure in figures:
        assert {"name", "category", "scope", "timestamp", "value"} <= figure.keys()
    if category == "NUM_REQUESTS":
        assert {f["name"] for f in figures} >= {"noop", "total"}


def test_the_metrics_socket_survives_a_bad_category(server: RunningServer) -> None:
    with Raw(server.address_of("arkouda_metrics")) as door:
        assert "Invalid MetricType" in door.error("metrics", category="NONSENSE")
        info = json.loads(door.text("metrics", category="SERVER_INFO"))
    assert info["server_port"] == server.port
    assert info["number_of_locales"] == len(info["locales"])


def test_the_status_socket(server: RunningServer) -> None:
    with Raw(server.address_of("arkouda_status")) as door:
        assert door.text("ruok") == "imok"
        assert json.loads(door.text("getmemstatus"))[0]["total_mem"] > 0
