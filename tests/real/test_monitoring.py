"""The rules pass promtool; in a real Prometheus each fault raises its alert, each query of the dashboard answers."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest

from tests.server.test_monitoring import MONITORING, expressions
from tests.support.ports import free_port
from tests.support.server import Raw, RunningServer, envelope, running_server, symbol
from tests.support.servers import binary
from tests.support.servers.process import Process, eventually

pytestmark = pytest.mark.real


@pytest.mark.parametrize("check", [["check", "rules", "alerts.yaml"], ["test", "rules", "alerts-test.yaml"]])
def test_promtool(check: list[str]) -> None:
    done = subprocess.run(
        [binary("prometheus", "promtool"), *check], cwd=MONITORING, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


class Prometheus:
    """A Prometheus that scrapes and evaluates every second, and waits for no alert."""

    def __init__(self, folder: Path, servers: dict[str, RunningServer]) -> None:
        rules = (MONITORING / "alerts.yaml").read_text()
        (folder / "alerts.yaml").write_text(re.sub(r"for: \w+", "for: 0s", rules))
        targets = [
            {"targets": [s.address_of("metrics").split("/")[2]], "labels": {"instance": name}}
            for name, s in servers.items()
        ]
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(folder / "alerts.yaml")],
            "scrape_configs": [{"job_name": "arkserver", "static_configs": targets}],
        }
        (folder / "prometheus.yml").write_text(json.dumps(config))
        self.place = f"127.0.0.1:{free_port()}"
        flags = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
        flags.append(f"--web.listen-address={self.place}")
        self.process = Process([binary("prometheus", "prometheus"), *flags], folder / "prometheus.log")
        eventually(lambda: len(self.query("up == 1")) == len(servers), "scraped", 60)

    def query(self, expression: str) -> list[dict[str, Any]]:
        try:
            answer = httpx.get(f"http://{self.place}/api/v1/query", params={"query": expression}, trust_env=False)
        except httpx.TransportError:
            return []
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:  # it has just started
            return []
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    def alerts(self, instance: str) -> set[str]:
        return {a["metric"]["alertname"] for a in self.query(f'ALERTS{{alertstate="firing",instance="{instance}"}}')}

    def until(self, instance: str, *alerts: str) -> None:
        def firing() -> bool:
            found = self.alerts(instance)
            assert found >= set(alerts), found
            return True

        eventually(firing, f"{alerts} of {instance}", 60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("monitoring")


@pytest.fixture(scope="module")
def servers(folder: Path) -> Iterator[dict[str, RunningServer]]:
    registration = ["--channel-type", "FILE", "--integration-file", str(folder / "gone" / "registration.json")]
    alone = ["--memory-limit", "20MB", "--checkpoint-folder", str(folder / "checkpoints"), "--drain-seconds", "60"]
    worker = ["--scheduler", "true", "--workers", "1", "--memory-limit", "4GB"]
    with running_server(*registration, *alone) as one, running_server(*worker) as two:
        yield {"alone": one, "with-worker": two}


@pytest.fixture(scope="module")
def prometheus(folder: Path, servers: dict[str, RunningServer]) -> Iterator[Prometheus]:
    found = Prometheus(folder, servers)
    yield found
    found.process.stop()


def test_each_fault_raises_its_alert(servers: dict[str, RunningServer], prometheus: Prometheus, folder: Path) -> None:
    assert prometheus.alerts("with-worker") == set()
    one, two = servers["alone"], servers["with-worker"]
    prometheus.until("alone", "ArkserverRegistrationFailing", "ArkserverProcessMemory")
    assert "ArkserverMemoryNearLimit" not in prometheus.alerts("alone")
    with Raw(one.address) as raw:
        x = np.zeros(2_300_000)
        name = symbol(raw.text("array<float64,1>", x.tobytes(), shape=[len(x)]))
        raw.text("checkpoint")
        shutil.rmtree(folder / "checkpoints")
        (folder / "checkpoints").write_text("in the way")
        raw.error("checkpoint")
        for _ in range(40):
            assert "exceeds" in raw.error("binopvv<float64,float64,1>", op="+", a=name, b=name)
        faults = ("MemoryNearLimit", "RefusedForMemory", "ErrorsRising", "CheckpointFailing")
        prometheus.until("alone", *(f"Arkserver{f}" for f in faults))
        for place, expression in expressions().items():
            if place in ("job", "instance", "alerts"):
                continue
            asked = re.sub(r"\$(job|instance)", ".*", expression).replace("$__rate_interval", "1m")
            assert prometheus.query(asked), f"{place}: {asked} finds nothing"
        for child in psutil.Process(two.process.pid).children(recursive=True):
            if "spawn_main" in " ".join(child.cmdline()):
                child.kill()
        prometheus.until("with-worker", "ArkserverWorkerLost")
        raw.socket.send(json.dumps(envelope("sleep", {"seconds": 60.0})).encode())
        eventually(lambda: prometheus.query('arkserver_running_commands{instance="alone"} == 1'), "it runs", 30)
        one.process.send_signal(signal.SIGTERM)
        prometheus.until("alone", "ArkserverNotReady")
        two.process.kill()
        prometheus.until("with-worker", "ArkserverDown")
        one.process.kill()
