"""The registration as a part of a running server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import httpx

from tests.support.server import Raw, running_server
from tests.support.servers.process import eventually


def registration(metrics_url: str) -> dict[str, str]:
    answer = httpx.get(metrics_url.replace("/metrics", "/readyz"), trust_env=False)
    found: dict[str, str] = answer.json().get("registration", {})
    return found


def test_status_readiness_and_metric_say_how_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "registration.json"
    flags = ["--channel-type", "FILE", "--integration-file", str(file), "--addresses", "10.1.2.3"]
    with running_server(*flags) as server:
        # It calls itself by this machine's name, which need not resolve.
        metrics = server.address_of("metrics").replace(server.host, "127.0.0.1")
        eventually(lambda: registration(metrics).get("state") == "REGISTERED", "registered")
        assert "arkserver_registered 1.0" in httpx.get(metrics, trust_env=False).text
        with Raw(server.address) as raw:
            assert json.loads(raw.text("status"))["registration"]["state"] == "REGISTERED"
        assert json.loads(file.read_text())["endpoints"][0]["port"] == server.port
    assert not file.exists()


def test_without_a_system_nothing_is_said() -> None:
    with running_server() as server:
        metrics = server.address_of("metrics").replace(server.host, "127.0.0.1")
        assert registration(metrics) == {}


def test_a_start_that_fails_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "registration.json"
    free = ["--port", "0", "--metrics-port", "0", "--host", "127.0.0.1", "--scheduler", "false"]
    told = ["--channel-type", "FILE", "--integration-file", str(file), "--connection-file", "/nonexistent/connection"]
    command = [sys.executable, "-m", "arkserver.cli", "start", *free, *told]
    assert subprocess.run(command, capture_output=True, check=False, cwd=tmp_path).returncode != 0
    assert not file.exists()
