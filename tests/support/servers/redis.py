"""A Redis server."""

from __future__ import annotations

from pathlib import Path

import redis

from tests.support.pki import Authority
from tests.support.ports import free_port
from tests.support.servers import binary
from tests.support.servers.process import Process

PASSWORD = "pw-of-the-registrar"


class RedisServer:
    """A real Redis on the loopback, plain and over TLS, until stopped."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.authority = Authority(folder / "pki")
        pair = self.authority.issue("redis", "/CN=redis", usage="serverAuth", names="IP:127.0.0.1")
        self.port, self.tls_port = free_port(), free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.tls_url = f"rediss://127.0.0.1:{self.tls_port}/0"
        command: list[str | Path] = [
            *(binary("redis", "redis-server"), "--bind", "127.0.0.1", "--port", str(self.port), "--dir", folder),
            *("--save", "", "--appendonly", "no", "--tls-port", str(self.tls_port), "--tls-auth-clients", "no"),
            *("--tls-cert-file", pair.cert, "--tls-key-file", pair.key, "--tls-ca-cert-file", self.authority.cert),
        ]
        self.process = Process(command, folder / "redis.log")
        self.client = redis.Redis(port=self.port, decode_responses=True)
        self.process.until(self._answers, "redis-server")
        self.reset()

    def reset(self) -> None:
        """Forget all keys, and have the user ``registrar`` with no more rights than a registration needs."""
        self.client.flushall()
        words = ["get", "set", "del", "sadd", "srem", "smembers", "exists", "publish", "multi", "exec"]
        self.client.acl_setuser(
            "registrar",
            enabled=True,
            reset=True,
            passwords=[f"+{PASSWORD}"],
            keys=["arkserver:*"],
            channels=["arkserver:*"],
            commands=[f"+{word}" for word in words],
        )

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False

    def stop(self) -> None:
        self.client.close()
        self.process.stop()
