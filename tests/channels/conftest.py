from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.http_server import RecordingServer
from tests.support.pki import Authority, Pair


@dataclass(frozen=True)
class Certificates:
    """An authority, a server's and a client's certificate of it, and an authority that signed neither."""

    authority: Authority
    server: Pair
    client: Pair
    other: Authority


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("pki")
    authority = Authority(folder / "ca")
    server = authority.issue("server", "/CN=server", usage="serverAuth", names="IP:127.0.0.1")
    client = authority.issue("client", "/CN=client", usage="clientAuth")
    return Certificates(authority, server, client, Authority(folder / "other", "other-ca"))


@pytest.fixture
def http_server() -> Iterator[RecordingServer]:
    server = RecordingServer()
    yield server
    server.close()
