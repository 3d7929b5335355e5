"""A Consul agent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

from tests.support.ports import free_port
from tests.support.servers import binary
from tests.support.servers.process import Process, eventually

MANAGEMENT = "5d3a0b1e-0000-4000-8000-00000000feed"


class ConsulAgent:
    """A real agent in development mode (server and client in one) on the loopback, with access control on."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        ports = {name: free_port() for name in ("http", "dns", "grpc", "grpc_tls", "server", "serf_lan", "serf_wan")}
        acl = {
            "enabled": True,
            "default_policy": "deny",
            "tokens": {"initial_management": MANAGEMENT, "agent": MANAGEMENT, "default": MANAGEMENT},
        }
        self.definitions = folder / "consul.d"
        self.definitions.mkdir()
        settings = {"ports": ports, "acl": acl, "bind_addr": "127.0.0.1", "disable_update_check": True}
        (folder / "agent.json").write_text(json.dumps(settings))
        self.port = ports["http"]
        self.url = f"http://127.0.0.1:{self.port}"
        command: list[str | Path] = [
            *(binary("consul-*", "consul"), "agent", "-dev", "-config-file", folder / "agent.json"),
            *("-config-dir", self.definitions, "-node", "node1", "-log-level", "warn"),
        ]
        self.process = Process(command, folder / "consul.log")
        self.admin = httpx.Client(base_url=self.url, headers={"X-Consul-Token": MANAGEMENT}, trust_env=False)
        self.process.until(self._ready, "consul")

    def _ready(self) -> bool:
        try:
            leader = self.admin.get("/v1/status/leader")
            # Only when the first token works is access control up.
            return leader.json() != "" and self.admin.get("/v1/acl/tokens").is_success
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        self.admin.close()
        self.process.stop()

    def put(self, path: str, body: object = None) -> Any:
        answer = self.admin.put(path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def get(self, path: str) -> Any:
        answer = self.admin.get(path)
        assert answer.is_success, answer.text
        return answer.json()

    def token(self, rules: str) -> str:
        """Return a token that has these rules."""
        name = f"policy-{free_port()}"
        self.put("/v1/acl/policy", {"Name": name, "Rules": rules})
        token = self.put("/v1/acl/token", {"Policies": [{"Name": name}]})["SecretID"]
        headers = {"X-Consul-Token": token}
        eventually(lambda: self.admin.get("/v1/acl/token/self", headers=headers).is_success, "the token is known")
        return str(token)

    def forget_services(self) -> None:
        for name in self.get("/v1/agent/services"):
            self.put(f"/v1/agent/service/deregister/{name}")
